"""A file of traffic as columns: lines that are alike in everything but numbers are not decoded one by one.

Most lines of most days are of one form, as a worker writes them: somebody asked, the first target answered, and all is
known of that. Their numbers are cut out, and what is no number is a key that many lines share; one line of each key is
decoded. Every other line comes back as it stands there. Which lines are of that form the patterns here say;
`governance.backtest.cut` takes most of them faster.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from governance.backtest.cut import OBJECT, Cutter, Key
from governance.backtest.plain import NONE, is_plain
from governance.traffic import TraceLine, decoded

_N: Final = rb"(0|[1-9]\d{0,8})"
# What stands in `win` is passed over: nothing reads it of a request that was answered, but for what did not fit.
_LINE: Final = (
    rb'\{"v":1,"id":"(HEX{8}-HEX{4}-HEX{4}-HEX{4}-HEX{12})","at":([1-9]\d{0,15}),"end":NUM,'
    rb'(WHO),"est":\{"in":NUM(?:,"max_out":NUM)?\},'
    rb'("did":\{"rev":"TXT*","out":"(?:route|pass)"FLAT*(?:\[FLAT*\]FLAT*)?)(?:"win":(\[WIN*\]))?\},'
    rb'("hops":\[\{"to":"TXT*","out":"ok")(?:,"start":NUM)?(?:,"ms":NUM)?(FLAT*)\}\],'
    rb'"use":\{"in":NUM,"out":NUM(?:,"cached":\d{1,9})?,"usd":NUM(?:,"(?:cached|saved)":\d{1,9})*\},'
    rb'"by":"(TXT*)","no":([1-9]\d{0,14})(?:,"in":"TXT*")?((?:,"(?:rec|not|hash)":\[FLAT*\])*)\}\n'
    rb"|([^\n]*\n)"
)


def _pattern(**parts: bytes) -> re.Pattern[bytes]:
    text = _LINE
    for name, part in (*parts.items(), ("HEX", rb"[0-9a-f]"), ("NUM", _N)):
        text = text.replace(name.encode(), part)
    return re.compile(text)


# Without a backslash every quotation mark is one, so no text can look like what comes behind it.
_STRICT: Final = _pattern(
    WHO=b'"who":%b,"req":%b' % (OBJECT, OBJECT),
    TXT=rb'[^"\\\n]',
    FLAT=rb"[^{}\[\]\\\n]",
    WIN=rb"[^\[\]\\\n]",
)
# The same in half the time, of a text that has no backslash, as long as no match goes over the end of its line. What
# may be long ends with the line, too: where no line is of this form, each would be looked for to the end of the text.
_QUICK: Final = _pattern(WHO=rb'"who":\{(?:[^}\n]*\})+?', TXT=rb'[^"]', FLAT=rb"[^{}\[\]]", WIN=rb"[^\]\n]")
_DOES_NOT_FIT: Final = b'"fits":false'
# So much of a text at once that most steps are worth it, and little of it is anywhere at a time.
_AT_ONCE: Final = 2 << 20
_READ_AT_ONCE: Final = 1 << 20
_GZIP: Final = 31  # of `zlib`
_OTHER: Final = -1
# No line of ours is so long.
_LONGEST: Final = 1 << 20


# Which part of a line is which number, and what stands for one that is not there.
_PARTS: Final = ((1, 0), (2, 0), (4, 0), (5, NONE), (9, 0), (10, 0), (12, 0), (13, 0), (14, 0))
DTYPES: Final = (np.int32, np.int64, np.int32, np.int64, *[np.int32] * (len(_PARTS) - 1))
"""Of kinds, counts and workers, and of `Numbers`."""


class Numbers(NamedTuple):
    """What differs within a class, one of each for a line; see `Columns`."""

    at_us: Any
    end_us: Any
    prompt: Any
    most: Any
    start_us: Any
    took_ms: Any
    used_in: Any
    used_out: Any
    usd_micros: Any


class Scan(NamedTuple):
    """All lines of one file.

    Args:
        ids: of the plain lines, 16 bytes each. kind: which of `firsts` each is like.
        firsts: key and one whole line of each.
        counts: how-manieth of its worker each is. workers: who has written them; whose: which of these each is of.
        others: every other line, with how many plain ones stand before it.
    """

    ids: Any
    numbers: Numbers
    kind: Any
    firsts: list[tuple[Key, bytes]]
    counts: Any
    others: list[tuple[int, bytes]]
    workers: list[str]
    whose: Any


def scanned(path: Path, compressed: bool, *, fast: bool = True) -> Scan | None:
    """The lines of a file; None where it has to be read line by line: it is cut off or torn.

    Args:
        fast: False leaves every line to the patterns. The answer is the same.
    """
    found = _Scanning(fast=fast)
    try:
        rest = b""
        for chunk in _chunks(path, compressed):
            whole, newline, last = (rest + chunk).rpartition(b"\n")
            if len(last) > _LONGEST:
                return None
            if newline:
                found.take(whole + newline)
            rest = last
    except (EOFError, OSError, UnicodeDecodeError, zlib.error):
        return None
    return None if rest else found.scan()


def _chunks(path: Path, compressed: bool) -> Iterator[bytes]:
    """What a file holds. Raises EOFError, OSError, zlib.error."""
    with path.open("rb") as file:
        if not compressed:
            yield from iter(lambda: file.read(_AT_ONCE), b"")
            return
        # In half the time of `gzip`.
        packed = zlib.decompressobj(_GZIP)
        while piece := file.read(_READ_AT_ONCE):
            while piece:
                if packed.eof:
                    # Another one behind it.
                    packed = zlib.decompressobj(_GZIP)
                yield packed.decompress(piece, _AT_ONCE)
                piece = packed.unused_data if packed.eof else packed.unconsumed_tail
        if not packed.eof:
            # What did not fit into the last piece.
            yield packed.flush()
        if not packed.eof:
            raise EOFError


class _Scanning:
    def __init__(self, *, fast: bool) -> None:
        self._fast = fast
        self._workers: dict[bytes, int] = {}
        self._known: dict[Key, int] = {}
        # Of each text that was taken one array for each of `DTYPES`.
        self._columns: list[list[Any]] = []
        self._count = 0
        self._firsts: list[tuple[Key, bytes]] = []
        self._others: list[tuple[int, bytes]] = []
        self._cutter = Cutter(self._kind_of, self._worker)

    def take(self, text: bytes) -> None:
        """The next lines, each with its end. Raises UnicodeDecodeError."""
        if not text.isascii():
            # What is no text is no JSON, wherever it stands.
            text.decode()
        found = self._cutter.cut(text)
        columns = [found.kind, found.counts, found.whose, *found.numbers]
        columns = [column.astype(dtype, copy=False) for column, dtype in zip(columns, DTYPES, strict=True)]
        columns.append(found.ids)
        left = np.flatnonzero(~found.ok).tolist() if self._fast else list(range(len(found.ok)))
        lines = text.split(b"\n") if left else []
        if left:
            self._one_by_one([lines[index] for index in left], left, columns)
        others = columns[0] == _OTHER
        if others.any():
            self._set_aside(lines or text.split(b"\n"), others)
            columns = [column[~others] for column in columns]
        self._count += len(columns[0])
        self._columns.append(columns)

    def _one_by_one(self, lines: list[bytes], places: list[int], columns: list[Any]) -> None:
        """Lines that are not quite ordinary, by the patterns; `places`: in the columns, which they are put into."""
        text = b"\n".join((*lines, b""))
        rows = _QUICK.findall(text) if b"\\" not in text else []
        if len(rows) != len(lines):
            rows = _STRICT.findall(text)
        for place, row, line in zip(places, rows, lines, strict=True):
            if row[18] or _DOES_NOT_FIT in row[7]:
                columns[0][place] = _OTHER
                continue
            kind = self._kind_of(_key(row), line)
            told = [kind, row[16], self._worker(row[15]), *(row[part] or absent for part, absent in _PARTS)]
            for column, value in zip(columns, told, strict=False):
                column[place] = int(value)
            columns[-1][place] = np.frombuffer(bytes.fromhex(row[0].replace(b"-", b"").decode()), dtype=np.uint8)

    def _set_aside(self, lines: list[bytes], others: Any) -> None:
        before = self._count + np.cumsum(~others)
        for index in np.flatnonzero(others).tolist():
            if line := lines[index].strip():
                self._others.append((int(before[index]), line))

    def _kind_of(self, key: Key, line: bytes) -> int:
        kind = self._known.get(key)
        if kind is None:
            kind = len(self._firsts) if _is_plain(key, line) else _OTHER
            if kind != _OTHER:
                self._firsts.append((key, line))
            self._known[key] = kind
        return kind

    def _worker(self, name: bytes) -> int:
        return self._workers.setdefault(name, len(self._workers))

    def scan(self) -> Scan:
        empty = [*(np.empty(0, dtype) for dtype in DTYPES), np.empty((0, 16), np.uint8)]
        kind, counts, whose, *numbers, ids = (np.concatenate(each) for each in zip(empty, *self._columns, strict=True))
        workers = [worker.decode() for worker in self._workers]
        return Scan(ids, Numbers(*numbers), kind, self._firsts, counts, self._others, workers, whose)


def keys_of(lines: Sequence[bytes]) -> list[Key]:
    """The key of each of these lines, without their ends. Raises ValueError where one of them is not plain."""
    rows = _STRICT.findall(b"".join(line + b"\n" for line in lines))
    keys = [_key(row) for row in rows]
    if any(row[18] or _DOES_NOT_FIT in row[7] for row in rows) or not all(map(_is_plain, keys, lines)):
        raise ValueError(lines)
    return keys


def _key(row: tuple[bytes, ...]) -> Key:
    return row[3], row[6], row[8], row[11], row[17]


# A process reads one file after the other, and most of their keys are the same.
_PLAIN: Final[dict[Key, bool]] = {}
_MOST_KEYS: Final = 100_000


def _is_plain(key: Key, line: bytes) -> bool:
    plain = _PLAIN.get(key)
    if plain is None:
        if len(_PLAIN) >= _MOST_KEYS:
            _PLAIN.clear()
        found = decoded(line)
        plain = _PLAIN[key] = isinstance(found, TraceLine) and is_plain(found)
    return plain
