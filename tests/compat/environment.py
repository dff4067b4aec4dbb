"""An environment with one LiteLLM: what its own extra `proxy` asks for, and all else as in our lock."""

import importlib.metadata
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".compat"
UV = [sys.executable, "-m", "uv"]


class NotInstallable(Exception):
    """uv found no versions that suit one another; the reason is uv's."""


@cache
def surroundings() -> dict[str, str]:
    """As for `make install`: where packages come from is what pip and uv were told."""
    install = runpy.run_path(str(ROOT / ".ci" / "install.py"))
    return install["surroundings"]() | install["sources"]()


def uv(*arguments: str | Path, stdin: str = "") -> str:
    command = [*UV, *arguments, "--quiet"]
    done = subprocess.run(command, input=stdin, cwd=ROOT, env=surroundings(), capture_output=True, text=True)
    if done.returncode:
        raise NotInstallable(" ".join(done.stderr.split()))
    return done.stdout


def newest(requirement: str) -> str:
    """The newest version on the index that fits, as `name==version`.

    Raises:
        NotInstallable: There is none.
    """
    options = ("--no-deps", "--no-header", "--no-annotate", "--index-strategy=unsafe-best-match")
    return uv("pip", "compile", *options, "-", stdin=requirement).strip()


def python(version: str) -> Path:
    return ENVIRONMENTS / version / "bin" / "python"


def make(version: str) -> list[str]:
    """Make the environment of `version`, or what is missing of it.

    Returns:
        The pins of LiteLLM that the index could not meet, with what was done about each.
    """
    folder = ENVIRONMENTS / version
    if not python(version).exists():
        uv("venv", "--clear", "--python", sys.base_prefix, folder)
    where = ("--python", python(version))
    uv("pip", "install", *where, "--no-deps", f"litellm=={version}")
    (site,) = folder.glob("lib/python*/site-packages")
    (litellm,) = importlib.metadata.distributions(name="litellm", path=[str(site)])
    asked, unmet = loosened(map(Requirement, litellm.requires or ()), newest)
    (folder / "asked.txt").write_text("\n".join([f"litellm=={version}", *asked]))
    # What stands in the output already is what uv prefers.
    pins = folder / "pins.txt"
    pins.write_text((ROOT / "requirements-dev.lock").read_text())
    given = ("pyproject.toml", folder / "asked.txt", "--extra", "dev")
    uv("pip", "compile", *where, *given, "--index-strategy=unsafe-best-match", "--output-file", pins)
    uv("pip", "sync", *where, "--index-strategy=unsafe-best-match", pins)
    uv("pip", "install", *where, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    return unmet


def loosened(requirements: Iterator[Requirement], newest: Callable[[str], str]) -> tuple[list[str], list[str]]:
    """What the extra `proxy` asks for, where pins that the index cannot meet give way.

    Args:
        newest: Gives the newest version of a requirement, or raises NotInstallable.
    """
    asked, unmet = [], []
    for each in requirements:
        if each.marker is None or each.marker.evaluate({"extra": ""}) or not each.marker.evaluate({"extra": "proxy"}):
            continue
        each.marker = None
        pin = str(each)
        if "==" in pin:
            try:
                newest(pin)
            except NotInstallable:
                try:
                    pin = newest(each.name)
                    unmet.append(f"{each}: {pin.partition('==')[2]} instead")
                except NotInstallable:
                    unmet.append(f"{each}: left out")
                    continue
        asked.append(pin)
    return asked, unmet
