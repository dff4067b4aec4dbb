"""What is done in a copy of the process, and where no copy answers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.proxy.contract.copied import in_copy

forks = pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="no copies are made here")

ROOT = Path(__file__).parents[2]
_HERE = os.getpid()
_remembered: list[str] = []


def _told() -> str:
    _remembered.append("once")
    return f"answered {'here' if os.getpid() == _HERE else 'in a copy'}"


def _only_here(otherwise: Callable[[], object]) -> Callable[[], str]:
    def work() -> str:
        if os.getpid() != _HERE:
            otherwise()
        return "answered here"

    return work


@forks
def test_what_a_copy_remembers_is_gone_with_it() -> None:
    _remembered.clear()

    assert in_copy(_told) == "answered in a copy"
    assert not _remembered


@forks
@pytest.mark.parametrize(
    "otherwise",
    [lambda: os._exit(1), lambda: time.sleep(60)],
    ids=["a copy that ends without an answer", "a copy that hangs"],
)
def test_where_no_copy_answers_the_work_is_done_here(otherwise: Callable[[], object]) -> None:
    assert in_copy(_only_here(otherwise), within_s=0.5) == "answered here"


def test_what_the_work_raises_is_raised() -> None:
    def fails() -> str:
        raise ValueError("so it is")

    with pytest.raises(ValueError, match="so it is"):
        in_copy(fails)


def _in_its_own_process(program: str) -> str:
    """What it prints: whatever other tests have loaded or started is not there."""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip().splitlines()[-1]


@forks
def test_what_the_probes_load_does_not_stay_in_the_worker() -> None:
    """They are as many megabytes as the rest of governance; a stream of Anthropic's, for one, loads its adapter."""
    told = _in_its_own_process("""
import sys
from governance.proxy.contract.contract import Contract
before = set(sys.modules)
Contract("refuse", lambda probe, held: None).probe()
print(sorted(name for name in set(sys.modules) - before if name.startswith("litellm.")))
""")

    assert told == "[]"


def test_where_litellms_native_routes_have_run_before_the_probes_are_run_here() -> None:
    """LiteLLM 1.110 refuses them to a copy from then on, which is no breach."""
    told = _in_its_own_process("""
from governance.proxy.contract.behaviour import probe_behaviour
from governance.proxy.contract.contract import Contract
probe_behaviour()
Contract("refuse", lambda probe, held: None).probe()
print("kept")
""")

    assert told == "kept"
