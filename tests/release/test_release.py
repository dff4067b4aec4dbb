"""What is published of a commit: the same bytes twice, what is in it, and that it says what it is made of."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.release.__main__ import NAME, ROOT, release
from tests.test_distribution import pinned

SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
# Somebody may commit while the tests run.
COMMIT = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
HEADING = re.compile(r"Unreleased|\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {path.name: path for path in release(COMMIT, tmp_path_factory.mktemp("release"))}


def one(made: dict[str, Path], ending: str) -> Path:
    (found,) = [path for name, path in made.items() if name.endswith(ending)]
    return found


def test_the_same_commit_makes_the_same_bytes_in_another_folder_for_another_user(
    made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    before = os.umask(0o077)
    try:
        again = release(COMMIT, tmp_path / "dist")
    finally:
        os.umask(before)

    assert {path.name: path.read_bytes() for path in again} == {name: path.read_bytes() for name, path in made.items()}


def test_the_digests_are_those_of_the_files(made: dict[str, Path]) -> None:
    told = dict(reversed(line.split()) for line in made["SHA256SUMS"].read_text().splitlines())

    assert told == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in made.items() if name != "SHA256SUMS"
    }


def test_the_source_distribution_is_the_commit_and_no_more(made: dict[str, Path]) -> None:
    listed = subprocess.run(["git", "ls-tree", "-r", "-z", "--name-only", COMMIT], cwd=ROOT, capture_output=True)
    with tarfile.open(one(made, ".tar.gz")) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}

    assert held == {*filter(None, listed.stdout.decode().split("\0")), "PKG-INFO"}
    assert {"LICENSE", "requirements.lock", "requirements-dev.lock"} <= held


def test_the_wheel_has_its_licence_and_the_lock_is_beside_it(made: dict[str, Path]) -> None:
    names = zipfile.ZipFile(one(made, ".whl")).namelist()

    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    held = subprocess.run(["git", "show", f"{COMMIT}:requirements.lock"], cwd=ROOT, capture_output=True).stdout
    assert one(made, ".lock").read_bytes() == held


def test_the_bill_of_materials_names_what_the_lock_pins_with_its_digests(made: dict[str, Path]) -> None:
    bill = json.loads(one(made, ".cdx.json").read_text())
    (version,) = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", NAME)
    assert bill["metadata"]["component"]["version"] == version
    assert {(each["name"], each["version"]) for each in bill["components"]} == set(pins())
    for each in bill["components"]:
        assert each["purl"].partition("?")[0] == f"pkg:pypi/{each['name']}@{each['version']}"
        assert any(reference.get("hashes") for reference in each["externalReferences"]), each["name"]


def pins() -> Iterator[tuple[str, str]]:
    for requirement in pinned("requirements.lock"):
        yield requirement.name, str(requirement.specifier).removeprefix("==")


def test_the_changelog_has_the_form_of_one() -> None:
    text = (ROOT / "docs" / "changelog.md").read_text()
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, rest = part.partition("\n")
        sections = re.findall(r"^### (.+)$", rest, re.MULTILINE)

        assert HEADING.fullmatch(heading), f"{heading}: `Unreleased` or `VERSION - DATE`"
        assert sections == [name for name in SECTIONS if name in sections], heading
