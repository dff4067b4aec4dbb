"""Run the end-to-end tests on each LiteLLM that is supported, or on those that are named: `make compat`."""

import datetime
import os
import subprocess
import sys

from tests.compat.environment import ENVIRONMENTS, ROOT, NotInstallable, make, newest, python
from tests.compat.report import Result, read, written

LINES = ("1.106", "1.108", "1.109", "1.110")
PAGE = ROOT / "docs" / "compatibility.md"
TESTS = (
    "tests/e2e",
    "tests/test_distribution.py::test_the_proxy_extra_asks_for_what_the_proxy_extra_of_the_installed_litellm_does",
)


def main() -> int:
    """Takes versions as arguments, and in $TESTS what to run of the tests; the table is for all of them."""
    part = os.environ.get("TESTS", "").split()
    results = []
    for version in sys.argv[1:] or supported():
        results.append(run(version, part))
        if not part:
            PAGE.write_text(written(PAGE.read_text("utf-8"), results[-1:]), "utf-8")
    return any(result.verdict != "works" for result in results)


def supported() -> list[str]:
    """The newest of each line, and the newest of all, oldest first."""
    found = [newest(f"litellm=={line}.*") for line in LINES] + [newest("litellm")]
    return [pin.removeprefix("litellm==") for pin in dict.fromkeys(found)]


def run(version: str, part: list[str]) -> Result:
    today = datetime.date.today().isoformat()
    print(f"LiteLLM {version}", flush=True)
    try:
        unmet = make(version)
    except NotInstallable as reason:
        print(f"  cannot be installed: {reason}", flush=True)
        return Result(version, today, 0, 0, "cannot be installed")
    for pin in unmet:
        print(f"  not on the index: {pin}", flush=True)
    junit = ENVIRONMENTS / version / "report.xml"
    command = [
        python(version),
        "-m",
        "pytest",
        "-q",
        "--numprocesses",
        "2",
        "--dist",
        "loadfile",
        f"--junitxml={junit}",
    ]
    surroundings = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    junit.unlink(missing_ok=True)
    done = subprocess.run(
        [*command, *(part or [*TESTS, "--ignore=tests/e2e/test_soak.py"])], cwd=ROOT, env=surroundings
    )
    if not junit.exists():
        return Result(version, today, 0, 0, f"the tests ended with {done.returncode}")
    result, failed = read(junit, version, today)
    print(f"  {result.passed} passed, {result.failed} failed: {result.verdict}", *failed, sep="\n    ", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
