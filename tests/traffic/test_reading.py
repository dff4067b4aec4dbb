"""Files of lines: every decision once, and everything that is wrong with them has a name."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from governance.traffic import Broken, Hop, Told, TraceLine, encoded
from governance.traffic.files import HOUR_US, compress, files_in, given, hour_of, name_of, write_lines
from governance.traffic.reading import by_arrival, entries
from tests.traffic.conftest import NOON_US, SECOND_US, Made


def put(folder: Path, lines: Iterable[TraceLine], hour_us: int = NOON_US, worker: str = "one") -> Path:
    path = folder / name_of(hour_us, worker)
    write_lines(path, map(encoded, lines))
    return path


def faults(folder: Path) -> Counter[str]:
    return Counter(entry.fault for entry in entries(given(folder)) if isinstance(entry, Broken))


def ids(folder: Path) -> list[str]:
    return [entry.line.id for entry in entries(given(folder)) if not isinstance(entry, Broken)]


def test_lines_of_several_workers_come_in_the_order_in_which_they_ended(tmp_path: Path, line: Made) -> None:
    put(tmp_path, [line(1), line(2, at_us=NOON_US + 4 * SECOND_US)])
    put(tmp_path, [line(1, worker="two", at_us=NOON_US + 2 * SECOND_US)], worker="two")

    assert ids(tmp_path) == ["one-1", "two-1", "one-2"]
    assert not faults(tmp_path)


def test_a_compressed_file_is_read_as_the_one_before_it(tmp_path: Path, line: Made) -> None:
    path = put(tmp_path, [line(n, at_us=NOON_US + n) for n in range(1, 100)])
    before = ids(tmp_path)

    made = compress(path)

    assert not path.exists()
    assert made.stat().st_mode & 0o777 == 0o640
    assert ids(tmp_path) == before


def test_while_a_file_is_compressed_it_is_read_once(tmp_path: Path, line: Made) -> None:
    path = put(tmp_path, [line(1)])
    (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(encoded(line(1)))[:20])

    assert ids(tmp_path) == ["one-1"]


def test_only_the_files_of_a_time_are_opened(tmp_path: Path, line: Made) -> None:
    for hour in range(6):
        put(tmp_path, [], NOON_US + hour * HOUR_US)
    (tmp_path / "2026-13-99T99.one.jsonl").touch()
    (tmp_path / "notes.txt").touch()

    found = files_in(tmp_path, NOON_US + HOUR_US, NOON_US + 2 * HOUR_US)

    assert [(file.hour_us - NOON_US) // HOUR_US for file in found] == [1, 2, 3]
    assert files_in(tmp_path / "none") == []
    assert hour_of(NOON_US + 5) == NOON_US


def test_what_a_killed_worker_left_in_the_middle_is_half_written(tmp_path: Path, line: Made) -> None:
    path = put(tmp_path, [line(1), line(2)])
    path.write_bytes(path.read_bytes()[:-30])

    assert ids(tmp_path) == ["one-1"]
    assert faults(tmp_path) == {"half_written": 1}


def test_a_line_that_a_full_disk_has_cut_is_lost_and_no_other(tmp_path: Path, line: Made) -> None:
    path = put(tmp_path, [line(1)])
    path.write_bytes(path.read_bytes() + encoded(line(2))[:80] + b"\n\n" + encoded(line(3)) + b"scribble\n")

    assert ids(tmp_path) == ["one-1", "one-3"]
    assert faults(tmp_path) == {"half_written": 1, "lost_lines": 1, "no_json": 1}


def test_a_compressed_file_without_its_end_is_read_as_far_as_it_goes(tmp_path: Path, line: Made) -> None:
    path = compress(put(tmp_path, [line(n, at_us=NOON_US + n * 7_919) for n in range(1, 2_000)]))
    path.write_bytes(path.read_bytes()[:-2_000])

    found = ids(tmp_path)

    assert found == [f"one-{n}" for n in range(1, len(found) + 1)]
    assert 0 < len(found) < 1_999
    assert faults(tmp_path) == {"file_cut_off": 1}


def test_an_endless_line_does_not_fill_the_memory(tmp_path: Path, line: Made) -> None:
    path = put(tmp_path, [])
    path.write_bytes(b"x" * (3 << 20) + b"\n" + encoded(line(1)))

    assert ids(tmp_path) == ["one-1"]
    assert faults(tmp_path) == {"no_json": 1}


def test_a_file_that_may_not_be_read_is_named_and_the_others_are_read(tmp_path: Path, line: Made) -> None:
    put(tmp_path, [line(1, worker="two")], worker="two")
    (tmp_path / name_of(NOON_US, "one")).mkdir()

    assert ids(tmp_path) == ["two-1"]
    assert faults(tmp_path) == {"file_unreadable": 1}


def test_a_decision_that_is_there_twice_is_read_once(tmp_path: Path, line: Made) -> None:
    put(tmp_path, [line(1), line(2)])
    put(tmp_path, [line(1), line(2), line(3)], worker="copy")

    assert ids(tmp_path) == ["one-1", "one-2", "one-3"]
    assert faults(tmp_path) == {"duplicate_id": 2}


def test_lines_that_are_missing_leave_a_gap_also_between_hours(tmp_path: Path, line: Made) -> None:
    put(tmp_path, [line(1), line(4)])
    put(tmp_path, [line(9, at_us=NOON_US + HOUR_US)], NOON_US + HOUR_US)

    found = [entry for entry in entries(given(tmp_path)) if isinstance(entry, Broken)]

    assert [(each.fault, each.lines) for each in found] == [("lost_lines", 2), ("lost_lines", 4)]
    assert ids(tmp_path) == ["one-1", "one-4", "one-9"]


def test_a_clock_that_was_set_back_is_named_and_every_line_is_read(tmp_path: Path, line: Made) -> None:
    put(tmp_path, [line(1), line(2, at_us=NOON_US - 60 * SECOND_US), line(3)])

    assert ids(tmp_path) == ["one-1", "one-2", "one-3"]
    assert faults(tmp_path) == {"out_of_order": 1}


def test_a_request_of_which_nobody_knows_the_end_is_named_and_a_refused_one_has_none(
    tmp_path: Path, line: Made
) -> None:
    routed = line(1, end_us=None, hops=(Hop("a/m", "started"),))
    refused = line(2, end_us=None, told=Told("r", "refuse", code="tokens_exhausted"), hops=(), used=None)
    put(tmp_path, [routed, refused])

    assert faults(tmp_path) == {"missing_end": 1}
    assert ids(tmp_path) == ["one-1", "one-2"]


def test_requests_come_in_the_order_of_their_arrival(tmp_path: Path, line: Made) -> None:
    quick = [line(n, at_us=NOON_US + n * SECOND_US) for n in range(1, 6)]
    slow = line(6, at_us=NOON_US + 1, end_us=8 * SECOND_US)
    put(tmp_path, [*quick, slow])

    found = list(by_arrival(given(tmp_path), to_us=NOON_US + 4 * SECOND_US))

    assert [each.id for each in found if isinstance(each, TraceLine)] == ["one-6", "one-1", "one-2", "one-3"]


def test_one_that_takes_longer_than_is_waited_for_comes_late_and_is_named(tmp_path: Path, line: Made) -> None:
    quick = [line(n, at_us=NOON_US + n * SECOND_US) for n in range(1, 6)]
    slow = line(6, at_us=NOON_US + 1, end_us=8 * SECOND_US)
    put(tmp_path, [*quick, slow])

    found = list(by_arrival(given(tmp_path), hold_us=2 * SECOND_US))

    told = [each.fault if isinstance(each, Broken) else each.id for each in found]
    assert told == ["one-1", "one-2", "one-3", "one-4", "out_of_order", "one-6", "one-5"]


def test_a_file_of_any_name_is_read_by_what_it_holds(tmp_path: Path, line: Made) -> None:
    packed = tmp_path / "sent by somebody"
    packed.write_bytes(gzip.compress(encoded(line(1))))

    assert [e.line.id for e in entries(given(packed)) if not isinstance(e, Broken)] == ["one-1"]
    with pytest.raises(FileNotFoundError):
        given(tmp_path / "none.jsonl")


def test_a_file_that_could_not_be_written_to_its_end_leaves_the_one_before(tmp_path: Path, line: Made) -> None:
    path = put(tmp_path, [line(1)])

    def broken() -> Iterable[bytes]:
        yield encoded(line(2))
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_lines(path, broken())

    assert ids(tmp_path) == ["one-1"]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_what_was_answered_after_its_end_was_told_is_one_request_with_its_answer(tmp_path: Path, line: Made) -> None:
    ended, answered = line(1, used=None), replace(line(1, late=True, end_us=9 * SECOND_US), number=3)
    put(tmp_path, [ended, line(2), answered])

    assert ids(tmp_path) == ["one-1", "one-2", "one-1"]
    assert not faults(tmp_path)
    assert list(by_arrival(given(tmp_path))) == [answered, line(2)]
