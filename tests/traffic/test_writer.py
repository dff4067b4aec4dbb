"""The files of several workers in one folder: an hour each, compressed when it is over, never more than is allowed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from governance.traffic import Broken, encoded
from governance.traffic.files import COMPRESSED, HOUR_US, columns_of, given, name_of, write_lines
from governance.traffic.reading import entries
from governance.traffic.writer import TrafficWriter, abandoned
from tests.patience import tries
from tests.traffic.conftest import NOON_US, Made


class Clock:
    def __init__(self) -> None:
        self.now_us = NOON_US

    def __call__(self) -> int:
        return self.now_us


def writer(folder: Path, clock: Clock, worker: str = "one", most_bytes: int = 64 << 20) -> TrafficWriter:
    return TrafficWriter(folder, worker, keep_us=48 * HOUR_US, most_bytes=most_bytes, clock=clock)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def used(folder: Path) -> int:
    """Bytes; another thread may be compressing and removing."""
    sizes = 0
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            sizes += path.stat().st_size
    return sizes


def read(folder: Path) -> list[str]:
    return [entry.line.id for entry in entries(given(folder)) if not isinstance(entry, Broken)]


def compressed_by(worker: TrafficWriter, clock: Clock, file: Path) -> None:
    """A thread does it. What was begun before may still be under way, and then nothing is begun beside it."""
    for _ in tries():
        clock.now_us += 1_000_000
        worker.look()
        if file.exists():
            return
    raise AssertionError(f"{file.name} is not there")


def test_each_hour_has_a_file_and_those_that_are_over_are_compressed(tmp_path: Path, line: Made) -> None:
    clock, folder = Clock(), tmp_path / "trace"
    one, two = writer(folder, clock), writer(folder, clock, "two")
    one.append([encoded(line(1))])
    two.append([encoded(line(1, worker="two"))])
    assert names(folder) == ["2026-12-02T12.one.jsonl", "2026-12-02T12.two.jsonl"]

    clock.now_us += HOUR_US
    one.append([encoded(line(2, at_us=clock.now_us))])

    compressed_by(one, clock, folder / "2026-12-02T12.one.jsonl.gz")
    assert "2026-12-02T12.two.jsonl" in names(folder), "its worker has not let go of it"
    assert "2026-12-02T13.one.jsonl" in names(folder)
    compressed_by(two, clock, folder / "2026-12-02T12.two.jsonl.gz")
    assert read(folder) == ["one-1", "two-1", "one-2"]
    assert folder.stat().st_mode & 0o777 == 0o750


def test_the_oldest_go_first_when_there_is_too_much(tmp_path: Path, line: Made) -> None:
    clock = Clock()
    one = writer(tmp_path, clock, most_bytes=1 << 20)
    for number in range(1, 101):
        padded = encoded(line(number, inputs=os.urandom(16_000).hex()))
        one.append([padded])
        one.tidy()
        clock.now_us += HOUR_US // 5

        assert used(tmp_path) <= (1 << 20) + len(padded)

    assert len(names(tmp_path)) > 3
    assert not (tmp_path / "2026-12-02T12.one.jsonl.gz").exists()


def test_what_is_older_than_it_is_kept_goes(tmp_path: Path, line: Made) -> None:
    clock = Clock()
    one = writer(tmp_path, clock)
    one.append([encoded(line(1))])
    clock.now_us += 50 * HOUR_US
    one.append([encoded(line(2))])
    for _ in tries():
        one.tidy()
        # A thread that compresses it just then puts it back once.
        if len(names(tmp_path)) == 1:
            break

    assert names(tmp_path) == ["2026-12-04T14.one.jsonl"]


def test_a_file_that_grows_too_large_is_continued_in_another_one(tmp_path: Path, line: Made) -> None:
    one = writer(tmp_path, Clock(), most_bytes=1 << 20)
    for number in range(1, 200):
        one.append([encoded(line(number))])

    assert names(tmp_path) == ["2026-12-02T12.one.jsonl", "2026-12-02T12.one_2.jsonl"]
    assert read(tmp_path) == [f"one-{number}" for number in range(1, 200)]


def test_a_file_that_somebody_has_removed_begins_anew(tmp_path: Path, line: Made) -> None:
    one = writer(tmp_path, Clock())
    one.append([encoded(line(1))])
    (tmp_path / "2026-12-02T12.one.jsonl").unlink()
    one.append([encoded(line(2))])

    assert read(tmp_path) == ["one-2"]


KILLED = """
import sys, time
from pathlib import Path
from governance.traffic.writer import TrafficWriter
TrafficWriter(Path(sys.argv[1]), "dead", keep_us=10**12, most_bytes=1 << 30, clock=lambda: int(sys.argv[2])).append(
    [sys.stdin.buffer.readline()]
)
print("written", flush=True)
time.sleep(600)
"""


def test_what_a_killed_worker_has_left_is_compressed_by_another_one(tmp_path: Path, line: Made) -> None:
    clock = Clock()
    killed = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), str(NOON_US)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert killed.stdin is not None
    assert killed.stdout is not None
    killed.stdin.write(encoded(line(1, worker="dead")))
    killed.stdin.close()
    assert killed.stdout.readline() == b"written\n"
    (left,) = given(tmp_path)
    assert not abandoned(left)
    clock.now_us += HOUR_US
    one = writer(tmp_path, clock)
    one.tidy()
    assert names(tmp_path) == ["2026-12-02T12.dead.jsonl"]

    killed.send_signal(signal.SIGKILL)
    killed.wait()

    assert abandoned(left)
    one.tidy()
    assert names(tmp_path) == ["2026-12-02T12.dead.jsonl.gz"]
    assert read(tmp_path) == ["dead-1"]


def test_what_a_killed_compressor_has_begun_goes_after_an_hour_though_nothing_is_left_to_make_it_of(
    tmp_path: Path,
) -> None:
    clock = Clock()
    begun, young = tmp_path / ".2026-12-02T09.one.jsonl.gz.part", tmp_path / ".2026-12-02T11.two.jsonl.gz.part"
    for part, age_us in ((begun, HOUR_US + 1_000), (young, HOUR_US - 1_000)):
        part.write_bytes(b"half")
        os.utime(part, ns=(0, 1000 * (clock.now_us - age_us)))
    writer(tmp_path, clock).tidy()

    assert not begun.exists()
    assert young.exists()


def test_columns_beside_an_hour_go_before_any_lines_and_with_their_hour(tmp_path: Path) -> None:
    clock = Clock()
    hours = [tmp_path / name_of(NOON_US - hours * HOUR_US, "one").replace(".jsonl", COMPRESSED) for hours in (3, 2, 1)]
    for hour in hours:
        write_lines(hour, [os.urandom(200_000)])
        columns_of(hour).write_bytes(bytes(200_000))
    one = writer(tmp_path, clock, most_bytes=1 << 20)
    one.tidy()

    assert [hour.exists() for hour in hours] == [True, True, True]
    assert [columns_of(hour).exists() for hour in hours] == [False, True, True]

    hours[1].unlink()
    (tmp_path / "mine.columns").touch()
    one.tidy()
    assert [columns_of(hour).exists() for hour in hours] == [False, False, True], "its hour is gone"

    clock.now_us += 50 * HOUR_US
    one.tidy()
    assert names(tmp_path) == ["mine.columns"]


def test_a_folder_that_cannot_be_made_says_so_each_time(tmp_path: Path, line: Made) -> None:
    (tmp_path / "file").touch()
    one = writer(tmp_path / "file" / "trace", Clock())

    for _ in range(2):
        with pytest.raises(NotADirectoryError):
            one.append([encoded(line(1))])
