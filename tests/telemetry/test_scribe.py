from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

from governance.telemetry.scribe import Scribe
from tests.patience import ANSWER_S, run


def test_what_is_taken_is_written_in_order_and_by_another_thread() -> None:
    written: list[tuple[int, int]] = []
    scribe: Scribe[int] = Scribe(lambda batch: written.extend((n, threading.get_ident()) for n in batch))
    for number in range(100):
        scribe.take(number)
    scribe.close()

    assert [number for number, _ in written] == list(range(100))
    assert threading.get_ident() not in {thread for _, thread in written}
    assert scribe.dropped == 0


def test_what_comes_while_too_much_waits_is_dropped_and_counted() -> None:
    stuck, go_on = threading.Event(), threading.Event()
    written: list[int] = []

    def write(batch: Sequence[int]) -> None:
        stuck.set()
        go_on.wait(ANSWER_S)
        written.extend(batch)

    scribe: Scribe[int] = Scribe(write, most_waiting=5)
    scribe.take(0)
    stuck.wait(ANSWER_S)
    for number in range(1, 9):
        scribe.take(number)
    assert scribe.dropped == 3

    go_on.set()
    scribe.close()
    assert written == [0, 1, 2, 3, 4, 5]


def test_what_cannot_be_written_is_counted_and_the_rest_goes_on(caplog) -> None:
    written: list[int] = []

    def write(batch: Sequence[int]) -> None:
        if 7 in batch:
            raise ValueError("seven")
        written.extend(batch)

    scribe: Scribe[int] = Scribe(write)
    scribe.take(7)
    for number in range(40, 400):
        scribe.take(number)
    scribe.close()

    assert len(written) + scribe.dropped == 361
    assert 399 in written
    assert "could not be written" in caplog.text


def test_after_the_end_everything_is_dropped() -> None:
    scribe: Scribe[int] = Scribe(lambda batch: None)
    scribe.close()
    scribe.take(1)

    assert scribe.dropped == 1


def test_a_process_that_just_ends_still_writes_what_waits() -> None:
    program = (
        "from governance.telemetry.scribe import Scribe\n"
        "scribe = Scribe(lambda batch: print(*batch, flush=True))\n"
        "scribe.take('written')\n"
    )
    done = run([sys.executable, "-c", program])

    assert done.stdout == "written\n"
