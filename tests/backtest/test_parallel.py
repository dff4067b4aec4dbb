"""Work in several processes, whatever the process that asks for it does with signals."""

import sys

import pytest

from tests.patience import run

ASKS = """
import signal
from governance.backtest.parallel import in_order, in_processes

signal.signal(signal.SIGTERM, lambda *_: None)

def work(part):
    if part == {fails}:
        raise ValueError("no such part")
    return part * part

for _ in range(40):
    found = in_processes(work, range(8), 8), list(in_order(work, range(8), 8))
print(*found)
"""


def test_processes_end_when_their_work_is_done_also_where_signals_are_heeded_otherwise() -> None:
    done = run([sys.executable, "-c", ASKS.format(fails=-1)])

    squares = [part * part for part in range(8)]
    assert (done.returncode, done.stdout) == (0, f"{squares} {squares}\n"), done.stderr


@pytest.mark.parametrize("part", [0, 7])
def test_what_fails_in_one_of_them_ends_all(part: int) -> None:
    done = run([sys.executable, "-c", ASKS.format(fails=part)])

    assert done.returncode == 1
    assert "ValueError: no such part" in done.stderr
