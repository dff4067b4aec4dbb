import importlib.metadata
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests import patience
from tests.e2e.conftest import free_port, process, wait_until_ready

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    "governance": "governance",
    "plugins/governance_plugins": "governance_plugins",
    "config": "governance/config",
}
# What LiteLLM's extra `proxy` asks for and ours does not.
NOT_ASKED_FOR = {"litellm-proxy"}  # not on the index; the proxy of 1.110.2 starts and serves without it
LOCKS = ["requirements.lock", "requirements-dev.lock"]


def run(*command: str | Path, cwd: Path) -> str:
    """What the command prints; fails with all of it."""
    # The surroundings of the test run must not lend the command a module.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = patience.run(command, cwd=cwd, env=environment)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def contents(wheel: Path, folder: str = "") -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(folder) and ".dist-info/" not in name}


def metadata(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (path for path in archive.namelist() if path.endswith(f".dist-info/{name}"))
        return archive.read(path).decode()


def pinned(lock: str) -> Iterator[Requirement]:
    for line in (ROOT / lock).read_text().splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            yield Requirement(line.removesuffix("\\"))


def test_the_wheel_holds_two_top_level_names_and_no_third(wheel: Path) -> None:
    assert {name.split("/")[0] for name in contents(wheel)} == {"governance", "governance_plugins"}


def test_every_file_of_the_packages_and_the_configuration_travels_in_the_wheel_and_nothing_else(wheel: Path) -> None:
    expected = {
        f"{target}/{path.relative_to(ROOT / source).as_posix()}"
        for source, target in SOURCES.items()
        for path in (ROOT / source).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert contents(wheel) == expected
    assert {"governance/py.typed", "governance_plugins/py.typed", "governance/config/demo.yaml"} <= expected


def test_a_store_is_made_by_what_travels_in_the_wheel(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(folder)
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); import governance.store as room; "
        f"assert room.__file__.startswith({str(folder)!r}), room.__file__; "
        f"store = room.open_store('sqlite:///{tmp_path}/governance.db', {{}}); store.migrate('base'); store.migrate()"
    )

    run(sys.executable, "-c", code, cwd=tmp_path)

    assert (tmp_path / "governance.db").exists()


def test_the_wheel_declares_the_command_and_the_plugins(wheel: Path) -> None:
    declared = metadata(wheel, "entry_points.txt")

    assert "governance = governance.cli:main" in declared
    assert "[governance.plugins]" in declared
    for plugin in (ROOT / "plugins/governance_plugins").glob("*/plugin.py"):
        name = plugin.parent.name
        assert f"{name} = governance_plugins.{name}:" in declared


def test_the_wheel_works_in_an_empty_environment_beside_the_proxy(wheel: Path, tmp_path: Path) -> None:
    binaries = tmp_path / "venv" / "bin"
    uv = (sys.executable, "-m", "uv", "pip")
    where = ("--quiet", "--python", binaries / "python")
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    run(*uv, "install", *where, "--require-hashes", "-r", ROOT / "requirements.lock", cwd=tmp_path)
    run(*uv, "install", *where, "--no-deps", "--no-index", wheel, cwd=tmp_path)

    run(*uv, "check", *where, cwd=tmp_path)
    assert "demo" in run(binaries / "governance", "--help", cwd=tmp_path)
    assert "routing_profiles" in run(binaries / "governance", "plugins", cwd=tmp_path)
    import_it = "import governance_plugins.routing_profiles as module; print(module.__file__)"
    where = run(binaries / "python", "-c", import_it, cwd=tmp_path)
    assert where.startswith(str(tmp_path)), "imported from the checkout, not from the wheel"

    (config,) = (tmp_path / "venv").glob("lib/python*/site-packages/governance/config")
    example = (config / "demo.yaml", "--config", config / "demo.litellm.yaml")
    assert ": valid; routing_profiles" in run(binaries / "governance", "check", *example, cwd=tmp_path)
    doctor = run(binaries / "governance", "doctor", "--policy", *example, "--url", "http://127.0.0.1:1", cwd=tmp_path)
    assert "fine     policy: " in doctor
    port, output = free_port(), tmp_path / "demo.txt"
    demo = [str(binaries / "governance"), "demo", "--port", str(port)]
    with process(demo, output) as started:
        wait_until_ready(f"http://127.0.0.1:{port}/health/liveliness", started, output)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_with_hashes_and_names_no_registry_and_no_path(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entry = re.compile(r"[a-z0-9][a-z0-9.-]*==\S+( ; [^\\]+)? \\(\n    --hash=sha256:[0-9a-f]{64}( \\)?)+\n")

    assert entry.sub("", text) == ""


@pytest.mark.parametrize("lock", LOCKS)
def test_what_the_distribution_asks_for_is_what_the_lock_pins(wheel: Path, lock: str) -> None:
    extras = {"requirements.lock": {"proxy"}, "requirements-dev.lock": {"proxy", "dev"}}[lock]
    asked = HeaderParser().parsestr(metadata(wheel, "METADATA")).get_all("Requires-Dist", [])
    pins: dict[str, list[SpecifierSet]] = {}
    for pin in pinned(lock):
        pins.setdefault(pin.name, []).append(pin.specifier)

    for requirement in map(Requirement, asked):
        wanted_by = re.search(r"extra == ['\"](\w+)['\"]", str(requirement.marker or ""))
        if wanted_by and wanted_by[1] not in extras:
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        versions = [pin.version for specifiers in pins.get(name, []) for pin in specifiers]
        assert versions, f"{requirement} is not in {lock}: make lock"
        assert all(requirement.specifier.contains(version) for version in versions), f"{requirement}, not {versions}"


def test_both_locks_pin_the_same_versions() -> None:
    everything = {(pin.name, str(pin.specifier)) for pin in pinned("requirements-dev.lock")}

    assert {(pin.name, str(pin.specifier)) for pin in pinned("requirements.lock")} <= everything


def wanted(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": "proxy"})


def versions(*requirements: Requirement) -> Iterator[str]:
    """Those at which the ranges begin or end, and the next ones."""
    for specifier in (each for requirement in requirements for each in requirement.specifier):
        yield from (specifier.version, f"{specifier.version}.0.1" if "post" not in specifier.version else "0")


def test_the_proxy_extra_asks_for_what_the_proxy_extra_of_the_installed_litellm_does(wheel: Path) -> None:
    asked = map(Requirement, HeaderParser().parsestr(metadata(wheel, "METADATA")).get_all("Requires-Dist", []))
    ours = {canonicalize_name(each.name): each for each in asked if 'extra == "dev"' not in str(each.marker)}
    theirs = [
        each
        for each in map(Requirement, importlib.metadata.requires("litellm"))
        if 'extra == "proxy"' in str(each.marker)
    ]
    theirs = [each for each in theirs if wanted(each) and each.name not in NOT_ASKED_FOR]
    assert len(theirs) > 25

    assert {each.name for each in theirs} - ours.keys() == set(), "add them to the extra `proxy` in pyproject.toml"
    for their in theirs:
        our = ours[canonicalize_name(their.name)]
        assert wanted(our), f"{our} is not asked for here, but {their} is"
        refused = {v for v in versions(their, our) if their.specifier.contains(v) and not our.specifier.contains(v)}
        assert not refused, f"{our} refuses {sorted(refused)}, which {their} takes"
