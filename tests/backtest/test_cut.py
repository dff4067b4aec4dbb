"""Lines that are cut side by side come out as by the patterns, whatever stands in them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.backtest.cut import Cutter
from governance.backtest.scan import scanned
from governance.backtest.side_by_side import SideBySide
from governance.traffic import encoded
from tests.backtest.test_gathered import traffic
from tests.backtest.test_scan import PLAIN

LINES = [PLAIN, *(encoded(line) for line in traffic(60))]


def told(path: Path, *, fast: bool) -> dict[str, Any]:
    found = scanned(path, compressed=False, fast=fast)
    assert found is not None
    keys = [found.firsts[kind][0] for kind in found.kind.tolist()]
    numbers = [column.tolist() for column in found.numbers]
    by = [found.workers[whose] for whose in found.whose.tolist()]
    return {"keys": keys, "numbers": numbers, "by": by, "ids": found.ids.tolist(), "counts": found.counts.tolist()} | {
        "others": found.others
    }


def changed(line: bytes, drawn: random.Random) -> bytes:
    """The same with a byte or a number that is another one, one too many or missing."""
    place = drawn.randrange(len(line) - 1)
    other = drawn.choice(
        [b"", b"0", b"9", b"123456789", b'"', b"{", b"}", b"]", b"[", b",", b"x", b"\x00", b"\xc3\xa9"]
    )
    return line[:place] + other + line[place + drawn.randrange(2) :]


def swapped(before: bytes, after: bytes) -> Callable[[bytes], bytes]:
    return lambda line: line.replace(before, after)


FORMS = {
    "as they are": lambda line: line,
    "cached": swapped(b',"usd":', b',"cached":7,"usd":'),
    "saved": swapped(b'},"by"', b',"saved":7},"by"'),
    "both behind": swapped(b'},"by"', b',"cached":7,"saved":8},"by"'),
    "zeros in front": swapped(b'"usd":4', b'"usd":04'),
    "nine digits": swapped(b'"usd":4', b'"usd":44444444'),
    "ten digits": swapped(b'"usd":', b'"usd":12345678'),
    "late start": swapped(b'"ok","ms"', b'"ok","start":1234,"ms"'),
    "no time": swapped(b',"ms":', b',"milliseconds":'),
    "facts": swapped(b"}\n", b',"in":"sha256:0","rec":["headers.a"],"not":[]}\n'),
    "no windows": swapped(b'"win"', b'"windows"'),
    "more windows": swapped(b']},"hops"', b'],"win":[{"a":1}]},"hops"'),
    "does not fit": swapped(b'"limit":"each"', b'"limit":"each","fits":false'),
    "caller": swapped(b'"who":{', b'"who":{"meta":{"est":{"a":1}},'),
    "hops before": swapped(b'"who":{', b'"who":{"hops":[{}],'),
    "escaped": swapped(b'"team":"', b'"team":"\\n'),
    "capitals": swapped(b"abc", b"ABC"),
    "blank": lambda line: b"  \n" + line,
    "nothing": lambda line: b"\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_lines_of_each_form_are_told_as_by_the_patterns(tmp_path: Path, form: str) -> None:
    path = tmp_path / "lines.jsonl"
    for lines in (LINES, LINES[:1]):
        path.write_bytes(b"".join(map(FORMS[form], lines)) + PLAIN)

        assert told(path, fast=True) == told(path, fast=False)


@pytest.mark.parametrize("seed", range(12))
def test_so_are_lines_of_which_pieceswere_lost_or_changed(tmp_path: Path, seed: int) -> None:
    drawn = random.Random(seed)
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"".join(changed(line, drawn) if drawn.random() < 0.7 else line for line in 3 * LINES))

    assert told(path, fast=True) == told(path, fast=False)


def test_ordinary_lines_are_all_cut_side_by_side(tmp_path: Path) -> None:
    names = [b"worker-%d" % number for number in range(20)]
    lines = [PLAIN.replace(b'"by":"w"', b'"by":"%b"' % names[number % 20]) for number in range(200)]
    found = Cutter(lambda key, line: 0, names.index).cut(b"".join(lines))

    assert found.ok.all()
    assert found.whose.tolist() == [number % 20 for number in range(200)]


@pytest.mark.parametrize("number", [0, 7, 10, 12_345_678, 123_456_789, 1_796_212_800_018_000, 9_999_999_999_999_999])
def test_numbers_of_any_length_are_read(number: int) -> None:
    lines = SideBySide(b"%d,\n%d\n" % (number, number))
    found = lines.number(16)

    assert found.tolist() == [number, number]
    assert lines.ok.all()
    assert (lines.place - lines.starts).tolist() == [len(str(number))] * 2
    too_long = SideBySide(b"%d\n" % number)
    too_long.number(len(str(number)) - 1)
    assert not too_long.ok.any()
