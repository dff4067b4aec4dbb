"""Columns beside an hour: the same report with them and without, and whatever is wrong with them is as if none were."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from struct import Struct

import pytest

from governance.backtest import beside
from governance.backtest.beside import scanned_once
from governance.backtest.scan import Scan, scanned
from governance.traffic.files import TrafficFile, columns_of, files_in
from tests.backtest.test_gathered import EVERY, Spoil, both, edited, gaps, kept, late, traffic, twice_elsewhere

Change = Callable[[bytes], bytes]


def told(scan: Scan | None) -> object:
    """What can be compared, with the kinds of its numbers."""
    assert scan is not None
    arrays = (scan.ids, *scan.numbers, scan.kind, scan.counts, scan.whose)
    return [(each.dtype, each.shape, each.tolist()) for each in arrays], scan.firsts, scan.others, scan.workers


def fresh(file: TrafficFile) -> object:
    return told(scanned(file.path, file.compressed))


def beside_each(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.glob("*.columns")}


def nothing(folder: Path, files: list[Path]) -> None:
    """Everything is as it should be."""


@pytest.fixture
def file(tmp_path: Path) -> TrafficFile:
    """An hour whose columns are kept."""
    kept(tmp_path, traffic(600, workers=1))
    file = files_in(tmp_path)[0]
    scanned_once(file)
    assert columns_of(file.path).exists()
    return file


def test_what_is_kept_is_what_was_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path, traffic(600))
    files = files_in(tmp_path)
    cut = [fresh(file) for file in files]
    assert [told(scanned_once(file)) for file in files] == cut
    assert len(beside_each(tmp_path)) == len(files)

    monkeypatch.setattr(beside, "scanned", lambda *_: pytest.fail("nothing is cut twice"))
    assert [told(scanned_once(file)) for file in files] == cut


@pytest.mark.parametrize("spoil", EVERY, ids=lambda spoil: str(spoil.__name__))
def test_so_it_is_whatever_is_wrong_with_the_lines(tmp_path: Path, spoil: Spoil) -> None:
    spoil(tmp_path, kept(tmp_path, traffic(600)))
    for file in files_in(tmp_path):
        cut = scanned(file.path, file.compressed)
        for _ in range(2):
            again = scanned_once(file)
            assert again is None if cut is None else told(again) == told(cut)


@pytest.mark.parametrize("spoil", [nothing, twice_elsewhere, gaps, late], ids=lambda spoil: str(spoil.__name__))
def test_a_report_is_the_same_with_them_and_without(tmp_path: Path, spoil: Spoil) -> None:
    spoil(tmp_path, kept(tmp_path, traffic(600)))
    first, slow = both(tmp_path)
    found = beside_each(tmp_path)
    again, _ = both(tmp_path)

    assert found
    assert first == again == slow
    assert beside_each(tmp_path) == found


def test_none_are_kept_of_an_hour_that_goes_on_of_a_file_of_any_name_and_where_nothing_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(tmp_path, traffic(600), compressed=False)
    for hour in files_in(tmp_path):
        scanned_once(hour)
    (tmp_path / "other").mkdir()
    (named,) = kept(tmp_path / "other", traffic(600, seconds=900, workers=1))
    scanned_once(TrafficFile(0, "", 1, named, compressed=True))
    monkeypatch.setattr("os.access", lambda *_: False)
    (hour,) = files_in(tmp_path / "other")

    assert told(scanned_once(hour)) == fresh(hour)
    assert not [*tmp_path.rglob("*.columns")]


def test_a_disk_that_is_full_keeps_nobody_from_reading(file: TrafficFile, monkeypatch: pytest.MonkeyPatch) -> None:
    columns_of(file.path).unlink()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(beside, "write_lines", full)
    assert told(scanned_once(file)) == fresh(file)


def sealed(change: Change) -> Change:
    """Somebody who changes them, and their digest, too."""

    def made(text: bytes) -> bytes:
        begin = len(beside._FORMAT)
        rest = change(text[begin + 32 :])
        return text[:begin] + sha256(rest).digest() + rest

    return made


def head(place: int, value: int) -> Change:
    def made(rest: bytes) -> bytes:
        numbers = [*beside._HEAD.unpack_from(rest, 32)]
        numbers[place] = value
        return rest[:32] + beside._HEAD.pack(*numbers) + rest[32 + beside._HEAD.size :]

    return sealed(made)


def column(which: int, width: int | None, least: int) -> Change:
    """Another beginning of one column: 0 is the first one, of classes."""

    def made(rest: bytes) -> bytes:
        each = Struct("<BqI")
        *_, small, ids = beside._HEAD.unpack_from(rest, 32)
        at = 32 + beside._HEAD.size + small + ids
        for _ in range(which):
            at += each.size + each.unpack_from(rest, at)[2]
        was, _, length = each.unpack_from(rest, at)
        return rest[:at] + each.pack(was if width is None else width, least, length) + rest[at + each.size :]

    return sealed(made)


WRONG: dict[str, Change] = {
    "empty": lambda text: b"",
    "cut off": lambda text: text[:-7],
    "cut off in the head": lambda text: text[:70],
    "longer": lambda text: text + b"\0",
    "very long": lambda text: text + bytes(1 << 20),
    "a bit": lambda text: text[:-50] + bytes([text[-50] ^ 1]) + text[-49:],
    "another format": lambda text: text.replace(b"columns 1", b"columns 2"),
    "of another file": sealed(lambda rest: bytes(32) + rest[32:]),
    "a pickle": lambda text: b"\x80\x04cos\nsystem\n(S'false'\ntR.",
    "no head": sealed(lambda rest: rest[:40]),
    "cut off and sealed": sealed(lambda rest: rest[:-7]),
    "longer and sealed": sealed(lambda rest: rest + b"\0"),
    **{f"{value} at {place} of the head": head(place, value) for place in range(7) for value in (0, 2, 2**32 - 1)},
    "a class that is none": column(0, None, 7_000),
    "a class below": column(0, None, -1),
    "numbers of three bytes": column(0, 3, 0),
    "a worker that is none": column(2, None, 1),
    "counts below": column(1, None, -5),
    "long before": column(3, None, -(10**12)),
    "tokens beyond": column(5, None, 2**62),
    "places beyond": column(12, None, 10**6),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_not_read_and_made_anew(file: TrafficFile, change: Change) -> None:
    path = columns_of(file.path)
    good = path.read_bytes()
    path.write_bytes(change(good))
    assert path.read_bytes() != good

    assert told(scanned_once(file)) == fresh(file)
    assert path.read_bytes() == good


def test_lines_that_are_not_plain_are_of_no_class(file: TrafficFile) -> None:
    path = columns_of(file.path)
    scan = scanned(file.path, compressed=True)
    assert scan is not None
    (key, line), *rest = scan.firsts
    for other in (scan.others[0][1], line[:-1], b"\xff", b"", line.replace(b'"in":', b'"ins":')):
        path.write_bytes(beside._written(scan._replace(firsts=[(key, other), *rest]), beside._digest_of(file.path)))

        assert told(scanned_once(file)) == fresh(file)


def test_they_hold_for_one_file_and_one_version(file: TrafficFile, monkeypatch: pytest.MonkeyPatch) -> None:
    path = columns_of(file.path)
    good = path.read_bytes()
    edited(file.path, lambda lines: lines[:-5])
    assert told(scanned_once(file)) == fresh(file)
    assert path.read_bytes() != good

    other = path.read_bytes()
    monkeypatch.setattr(beside, "_version", lambda: b"0.0.1")
    scanned_once(file)
    assert path.read_bytes() not in (good, other)


def test_nobody_is_in_them_who_is_not_in_the_file(file: TrafficFile) -> None:
    lines = gzip.decompress(file.path.read_bytes()).splitlines()
    scan = scanned_once(file)
    assert scan is not None

    assert {line for _, line in (*scan.firsts, *scan.others)} <= {*lines}
    assert columns_of(file.path).stat().st_mode & 0o777 == 0o640
