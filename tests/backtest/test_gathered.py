"""Files as columns: the same report as line by line, whatever is wrong with them."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from governance.backtest.assumptions import Assumptions
from governance.backtest.columns import Columns
from governance.backtest.coverage import SpotCheck
from governance.backtest.files import Traffic
from governance.backtest.gathered import gathered
from governance.backtest.read import Reader
from governance.backtest.report import Report
from governance.backtest.run import backtest
from governance.backtest.scan import scanned
from governance.traffic import Spot, TraceLine, encoded
from governance.traffic.files import files_in, hour_of, name_of
from governance.traffic.reading import ended_us
from tests.backtest.workload import CATALOG, NOON_US, arrivals, policy, recorded

LIMIT = 'rate_limits:\n- {name: each, subject: {team: "*"}, requests: 2/minute}\n'
ACTIVE, CANDIDATE = policy(), policy(LIMIT)
Spoil = Callable[[Path, list[Path]], None]


def traffic(count: int = 240, *, seconds: float = 5_400.0, workers: int = 2) -> list[TraceLine]:
    """Requests of one and a half hours with the ids and numbers that workers give."""
    drawn = random.Random(7)
    lines = sorted(recorded(policy(LIMIT), arrivals(count, seconds=seconds, failing=0.05)), key=ended_us)
    numbers = [0] * workers
    found = []
    for line in lines:
        which = drawn.randrange(workers)
        numbers[which] += 1
        id = f"{line.at_us // 1000:012x}"
        id = f"{id[:8]}-{id[8:]}-7{drawn.randrange(4096):03x}-8{drawn.randrange(4096):03x}-{drawn.getrandbits(48):012x}"
        spot = Spot("each", f"team:{line.who.team}", "requests", "60s", 2, 1, 1)
        told = replace(line.told, windows=(spot,), fallbacks=("openai/gpt-4o",))
        found.append(replace(line, id=id, told=told, worker=f"w{which}", number=numbers[which]))
    return found


def kept(folder: Path, lines: Sequence[TraceLine], *, compressed: bool = True) -> list[Path]:
    """The files that workers leave."""
    files: dict[Path, list[bytes]] = {}
    for line in lines:
        files.setdefault(folder / name_of(hour_of(ended_us(line)), line.worker), []).append(encoded(line))
    found = []
    for path, texts in files.items():
        text = b"".join(texts)
        to = path.with_suffix(".jsonl.gz") if compressed else path
        # Two of them, one behind the other, are one to whoever reads.
        packed = gzip.compress(text[:999], mtime=0) + gzip.compress(text[999:], mtime=0)
        to.write_bytes(packed if compressed else text)
        found.append(to)
    return sorted(found)


def both(folder: Path, **times: int) -> tuple[Report, Report]:
    """Read as columns, and line by line."""
    checked = Assumptions(spot_check=0.2)

    def found(*, fast: bool) -> Report:
        given = Traffic(files_in(folder), **times)
        report = backtest(ACTIVE, CANDIDATE, given, checked, catalog=CATALOG, processes=1, fast=fast)
        return replace(report, spot_check=SpotCheck(0, 0, 0))

    return found(fast=True), found(fast=False)


def edited(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """The same file with other lines."""
    lines = change(gzip.decompress(path.read_bytes()).splitlines(keepends=True))
    path.write_bytes(gzip.compress(b"".join(lines)))


def cut(folder: Path, files: list[Path]) -> None:
    files[0].write_bytes(files[0].read_bytes()[:-40])


def no_gzip(folder: Path, files: list[Path]) -> None:
    files[0].write_bytes(b"\x00\xff" * 4_000)


def empty(folder: Path, files: list[Path]) -> None:
    files[0].write_bytes(b"")


def torn(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [*lines[:3], lines[3][:80] + b"\n", *lines[4:]])


def half(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [*lines[:-1], lines[-1][:200]])


def other_version(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [lines[0].replace(b'"v":1', b'"v":2'), *lines[1:]])


def no_version(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [lines[0].replace(b'"v":1,', b""), *lines[1:]])


def binary(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [*lines[:5], b"\x80\x00\xff{\n", *lines[5:]])


def no_text(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [lines[0].replace(b'"limit":"each"', b'"limit":"\xff"'), *lines[1:]])


def unknown_fields(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [line.replace(b'{"v":1', b'{"new":{"a":[1]},"v":1') for line in lines])


def mixed(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [*lines, b"\n", b'{"policy_revision":"r"}\n', b"[]\n"])


def twice(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [*lines, *lines[2:4]])


def twice_elsewhere(folder: Path, files: list[Path]) -> None:
    text = gzip.decompress(files[0].read_bytes())
    (folder / name_of(hour_of(NOON_US) + 4 * 3_600_000_000, "copy")).write_bytes(text)


def gaps(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [*lines[:3], *lines[8:]])


def clock_back(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [*lines[10:20], *lines[:10], *lines[20:]])


def no_end(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [line.replace(b'"end":', b'"ending":') for line in lines[:4]] + lines[4:])


def late(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [*lines, lines[-3][:-2] + b',"late":true}\n'])


def of_no_uuid(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [line.replace(b'"id":"', b'"id":"x') for line in lines])


def escaped(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [line.replace(b'"team":"t', b'"team":"\\u0074\\"}],') for line in lines])


def long_ago(folder: Path, files: list[Path]) -> None:
    edited(files[0], lambda lines: [line.replace(b'"at":1796', b'"at":96') for line in lines])


EVERY = [
    *(cut, no_gzip, empty, torn, half, other_version, no_version, binary, no_text, unknown_fields, mixed, twice),
    *(twice_elsewhere, gaps, clock_back, no_end, late, of_no_uuid, escaped, long_ago),
]
NAMED = {
    cut: "file_cut_off",
    no_gzip: "file_cut_off",
    torn: "half_written",
    half: "half_written",
    other_version: "other_version",
    no_version: "other_version",
    binary: "no_json",
    no_text: "no_json",
    mixed: "no_json",
    twice: "duplicate_id",
    twice_elsewhere: "duplicate_id",
}


def test_ordinary_files_are_read_alike(tmp_path: Path) -> None:
    lines = traffic()
    kept(tmp_path, lines)
    fast, slow = both(tmp_path)

    assert fast == slow
    assert fast.coverage.replayed == fast.coverage.lines == len(lines)
    assert fast.coverage.reasons == fast.coverage.remarks == ()
    assert (fast.totals.newly_refused.mid or 0) > 0
    columns = gathered(Traffic(files_in(tmp_path)), Reader(frozenset()), 1)
    plain = sum(line.told.outcome != "refuse" and len(line.hops) == 1 for line in lines)
    assert len(columns.kept) == len(lines) - plain


def test_so_are_those_that_are_still_written_and_a_part_of_the_time(tmp_path: Path) -> None:
    kept(tmp_path, traffic(), compressed=False)
    for minutes, fewest, most in ((60, 50, 240), (1, 1, 9)):
        fast, slow = both(tmp_path, from_us=NOON_US + 600_000_000, to_us=NOON_US + (10 + minutes) * 60_000_000)

        assert fast == slow
        assert fewest <= fast.coverage.replayed < most


@pytest.mark.parametrize("spoil", EVERY, ids=lambda spoil: str(spoil.__name__))
def test_whatever_is_wrong_is_named_alike(tmp_path: Path, spoil: Spoil) -> None:
    files = kept(tmp_path, traffic())
    spoil(tmp_path, files)
    fast, slow = both(tmp_path)

    assert fast == slow
    assert NAMED.get(spoil, "") in {"", *(reason.code for reason in fast.coverage.reasons)}
    assert fast.coverage.replayed + fast.coverage.not_replayable == fast.coverage.lines


def test_a_plain_line_is_made_again_of_its_numbers(tmp_path: Path) -> None:
    lines = sorted(traffic(60), key=lambda line: (line.at_us, line.id))
    columns = Columns()
    for line in lines:
        columns.add(line)
    columns.arrange(pytest.fail)

    plain = [row for row in range(60) if row not in columns.kept]
    assert len(plain) > 20
    for row in plain:
        first = lines[row]
        made = columns.line(row)
        assert replace(made, told=first.told, worker=first.worker, number=first.number) == first
        assert replace(made.told, windows=first.told.windows, fallbacks=first.told.fallbacks) == first.told


def test_lines_of_several_workers_in_one_file_are_as_ordinary(tmp_path: Path) -> None:
    lines = sorted(traffic(), key=ended_us)
    (tmp_path / "out").mkdir()
    for hour in dict.fromkeys(hour_of(ended_us(line)) for line in lines):
        text = b"".join(encoded(line) for line in lines if hour_of(ended_us(line)) == hour)
        (tmp_path / "out" / name_of(hour, "imported-1")).write_bytes(text)
    fast, slow = both(tmp_path / "out")

    assert fast == slow
    assert fast.coverage.reasons == fast.coverage.remarks == ()
    scan = scanned(files_in(tmp_path / "out")[0].path, compressed=False)
    assert scan is not None
    assert sorted(scan.workers) == ["w0", "w1"]
