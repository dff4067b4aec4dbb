"""`make install` makes the locked environment with whatever pip there is, wherever packages come from."""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pip._internal.models.index import PyPI

from tests import patience

ROOT = Path(__file__).resolve().parent.parent
MADE = (".git", ".venv", ".compat", "__pycache__", "dist", ".*_cache", ".hypothesis")
INSTALLED = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
# Settings of the user that are about other environments, or about other packages than the lock's.
ASTRAY = {
    "PIP_CONSTRAINT": "/not/there",
    "PIP_NO_BINARY": ":all:",
    "PIP_NO_DEPS": "1",
    "PIP_PREFIX": "/not/there",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_TARGET": "/not/there",
    "PIP_USER": "1",
    "PYTHONPATH": "{folder}/astray",
    "UV_EXCLUDE_NEWER": "2020-01-01",
    "UV_NO_BINARY": "1",
    "UV_PROJECT_ENVIRONMENT": "/not/there",
    "UV_PYTHON": "3.8",
    "UV_RESOLUTION": "lowest",
    "UV_SYSTEM_PYTHON": "1",
    "VIRTUAL_ENV": "/not/there",
}


class Mirror(NamedTuple):
    """An index on loopback that has only uv, the index that it has it from, and who asked it for what."""

    url: str
    upstream: str
    asked: list[tuple[str, str]]


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    asked: list[tuple[str, str]] = []
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True)
    upstream = os.environ.get("PIP_INDEX_URL") or listed.stdout.decode().strip() or PyPI.simple_url

    class Redirect(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.split("/")[2]
            asked.append((self.headers["user-agent"].split("/")[0], name))
            self.send_response(302 if name == "uv" else 404)
            self.send_header("location", upstream.rstrip("/") + self.path.removeprefix("/simple"))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirect) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Mirror(f"http://127.0.0.1:{server.server_port}/simple", upstream, asked)
        server.shutdown()


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A folder with version 99 of all that is asked for with extras, and of uv, for anybody to choose."""
    folder = tmp_path / "newer"
    folder.mkdir()
    here = {canonicalize_name(each.metadata["Name"]): each for each in metadata.distributions()}
    asked = [Requirement(text) for each in here.values() for text in each.requires or ()]
    for name in {"uv", *(canonicalize_name(each.name) for each in asked if each.extras)} & here.keys():
        stem = f"{name.replace('-', '_')}-99.0"
        files = {
            "METADATA": re.sub(r"^Version: .*", "Version: 99.0", here[name].read_text("METADATA"), flags=re.MULTILINE),
            "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            record = f"{stem}.dist-info/RECORD,,\n"
            for file, text in files.items():
                wheel.writestr(f"{stem}.dist-info/{file}", text)
                digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
                record += f"{stem}.dist-info/{file},sha256={digest},{len(text.encode())}\n"
            wheel.writestr(f"{stem}.dist-info/RECORD", record)
    assert (folder / "pydantic-99.0-py3-none-any.whl").exists()
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout, with blanks"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*MADE))
    return folder


@pytest.fixture
def surroundings() -> dict[str, str]:
    """Of this run's variables those that say where packages come from; pip and Python as the machine has them."""
    ours = {"VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"}
    path = [each for each in os.environ["PATH"].split(os.pathsep) if Path(each) != Path(sys.executable).parent]
    return {k: v for k, v in os.environ.items() if k not in ours} | {"PATH": os.pathsep.join(path)}


def pins(lock_name: str = "requirements-dev.lock") -> dict[str, str]:
    lock = (ROOT / lock_name).read_text()
    pinned = [Requirement(line) for line in re.findall(r"^(\S+==[^\\]+) \\$", lock, re.MULTILINE)]
    return {
        each.name: str(each.specifier).removeprefix("==")
        for each in pinned
        if each.marker is None or each.marker.evaluate()
    }


def installed(checkout: Path) -> dict[str, str]:
    done = patience.run([checkout / ".venv/bin/python", "-I", "-c", INSTALLED])
    assert done.returncode == 0, done.stderr
    return {canonicalize_name(name): version for name, version in json.loads(done.stdout).items()}


def test_an_index_with_newer_versions_and_settings_for_elsewhere_change_nothing(
    checkout: Path, newer: Path, mirror: Mirror, surroundings: dict[str, str], tmp_path: Path
) -> None:
    for module in ("pip", "pydantic"):
        (tmp_path / "astray" / module).mkdir(parents=True)
        (tmp_path / "astray" / module / "__init__.py").write_text("raise SystemExit('imported from elsewhere')")
    astray = {name: value.format(folder=tmp_path) for name, value in ASTRAY.items()}
    links = " ".join(filter(None, [os.environ.get("PIP_FIND_LINKS"), str(newer), "/not/there"]))
    environment = surroundings | astray | {"PIP_INDEX_URL": mirror.url, "PIP_FIND_LINKS": links}
    environment["PIP_EXTRA_INDEX_URL"] = mirror.upstream
    done = patience.run(["make", "install"], cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr

    found = installed(checkout)
    assert {name: found.get(name) for name in pins()} == pins()
    assert found.keys() - pins().keys() <= {"litellm-governance", "pip", "setuptools"}
    assert {tool for tool, _ in mirror.asked} == {"pip", "uv"}
    # A script names its interpreter on its first line, which cannot hold a blank.
    for script in ("governance", "pytest"):
        done = patience.run([checkout / ".venv/bin" / script, "--help"], cwd=tmp_path, env=surroundings)
        assert done.returncode == 0, done.stderr

    mirror.asked.clear()
    again = patience.run(["make", "install"], cwd=checkout, env=environment)
    assert (again.returncode, again.stdout, again.stderr, mirror.asked) == (0, "", "", [])


def test_what_was_interrupted_is_made_anew(
    checkout: Path, mirror: Mirror, surroundings: dict[str, str], tmp_path: Path
) -> None:
    with (tmp_path / "output").open("w") as output:
        # The index is told to uv alone, by a name; pip, which fetches uv, asks it too.
        environment = surroundings | {"UV_DEFAULT_INDEX": f"near={mirror.url}", "UV_INDEX": mirror.upstream}
        make = subprocess.Popen(
            ["make", "install"],
            cwd=checkout,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        for _ in patience.turns(make.pid, tmp_path / "output"):
            assert make.poll() is None, (tmp_path / "output").read_text()
            if next((checkout / ".venv").glob("lib/python*/site-packages/litellm*"), None):
                break
        os.killpg(make.pid, signal.SIGKILL)
        make.wait()
    assert ("pip", "uv") in mirror.asked
    mirror.asked.clear()

    indexes = f"index-url = {mirror.url}\nextra-index-url =\n    {mirror.upstream}\n    {mirror.url}\n"
    (tmp_path / "pip.conf").write_text(f"[install]\n{indexes}user = true\nprefix = /not/there\n")
    environment = surroundings | {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    done = patience.run(["make", "install"], cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    found = installed(checkout)
    assert {name: found.get(name) for name in pins()} == pins()
    assert {tool for tool, _ in mirror.asked} == {"pip", "uv"}


def test_without_an_index_it_says_in_one_sentence_what_to_name(
    checkout: Path, surroundings: dict[str, str], tmp_path: Path
) -> None:
    environment = surroundings | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    done = patience.run(["make", "install"], cwd=checkout, env=environment)

    assert done.returncode != 0
    assert "make: .venv is not complete: pip could not do its part" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_lines_of_the_readme_install_what_was_tested_and_leave_a_litellm_where_it_is(
    checkout: Path, surroundings: dict[str, str]
) -> None:
    fresh, beside = re.findall(r"^(?:python3 -m venv|pip freeze) .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    done = patience.run(fresh, shell=True, cwd=checkout, env=surroundings)
    assert done.returncode == 0, done.stderr

    found, pinned = installed(checkout), pins("requirements.lock")
    assert {name: found.get(name) for name in pinned} == pinned

    # Versions that nobody has pinned, and without what LiteLLM does not bring.
    change = [".venv/bin/uv", "pip", "install", "--python", ".venv", "--quiet", "--no-deps", "litellm==1.106.11"]
    for command in (change, [".venv/bin/pip", "uninstall", "-qqy", "litellm-governance", "selectolax"]):
        assert patience.run(command, cwd=checkout, env=surroundings).returncode == 0
    before = installed(checkout)
    path = f"{checkout / '.venv/bin'}{os.pathsep}{surroundings['PATH']}"
    done = patience.run(beside, shell=True, cwd=checkout, env=surroundings | {"PATH": path})
    assert done.returncode == 0, done.stderr

    after = installed(checkout)
    assert after.keys() - before.keys() == {"litellm-governance", "selectolax"}
    assert {name: after[name] for name in before} == before
