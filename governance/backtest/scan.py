"""A file of traffic as columns: lines that are alike in everything but numbers are not decoded one by one.

Most lines of most days are of one form, as a worker writes them: somebody asked, the first target answered, and all is
known of that. Their numbers are cut out, and what is no number is a key that many lines share; one line of each key is
decoded. Every other line comes back as it stands there.
"""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from governance.backtest.plain import NONE, is_plain
from governance.traffic import TraceLine, decoded

_N: Final = rb"(0|[1-9]\d{0,8})"
_OBJECT: Final = rb"\{[^{}\\\n]*(?:\{[^{}\\\n]*\}[^{}\\\n]*)*\}"
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
    WHO=b'"who":%b,"req":%b' % (_OBJECT, _OBJECT),
    TXT=rb'[^"\\\n]',
    FLAT=rb"[^{}\[\]\\\n]",
    WIN=rb"[^\[\]\\\n]",
)
# The same in half the time, of a text that has no backslash, as long as no match goes over the end of its line. What
# may be long ends with the line, too: where no line is of this form, each would be looked for to the end of the text.
_QUICK: Final = _pattern(WHO=rb'"who":\{(?:[^}\n]*\})+?', TXT=rb'[^"]', FLAT=rb"[^{}\[\]]", WIN=rb"[^\]\n]")
_DOES_NOT_FIT: Final = b'"fits":false'
_AT_ONCE: Final = 1 << 20
_GZIP: Final = 31  # of `zlib`
_OTHER: Final = -1
_NEW: Final = -2
# No line of ours is so long.
_LONGEST: Final = 1 << 20


def _or_none(text: bytes) -> int:
    return int(text) if text else NONE


def _or_zero(text: bytes) -> int:
    return int(text) if text else 0


# Which part of a line is which column, and how it is read.
_COLUMNS: Final[tuple[tuple[int, Callable[[bytes], int]], ...]] = (
    (1, int),
    (2, int),
    (4, int),
    (5, _or_none),
    (9, _or_zero),
    (10, _or_zero),
    (12, int),
    (13, int),
    (14, int),
)


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

    @classmethod
    def none(cls) -> Numbers:
        """Of no line."""
        return cls(array("q"), *(array("i") for _ in cls._fields[1:]))


Key = tuple[bytes, ...]


class Scan(NamedTuple):
    """All lines of one file.

    Args:
        ids: of the plain lines, 16 bytes each. kind: which of `firsts` each is like.
        firsts: key and one whole line of each.
        counts: how-manieth of its worker each is. workers: who has written them; whose: which of these each is of.
        others: every other line, with how many plain ones stand before it.
    """

    ids: bytes
    numbers: Numbers
    kind: Any
    firsts: list[tuple[Key, bytes]]
    counts: Any
    others: list[tuple[int, bytes]]
    workers: list[str]
    whose: Any


def scanned(path: Path, compressed: bool) -> Scan | None:
    """The lines of a file; None where it has to be read line by line: it is cut off or torn."""
    found = _Scanning()
    try:
        rest = b""
        for chunk in _chunks(path, compressed):
            whole, newline, last = (rest + chunk).rpartition(b"\n")
            if len(last) > _LONGEST:
                return None
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
        while piece := file.read(_AT_ONCE // 8):
            yield packed.decompress(piece)
            while packed.eof and packed.unused_data:
                # Another one behind it.
                piece, packed = packed.unused_data, zlib.decompressobj(_GZIP)
                yield packed.decompress(piece)
        if not packed.eof:
            raise EOFError


class _Scanning:
    def __init__(self) -> None:
        self._workers: dict[bytes, int] = {}
        self._whose = array("i")
        self._known: dict[Key, int] = {}
        self._ids: list[bytes] = []
        self._numbers = Numbers.none()
        self._kind, self._counts = array("i"), array("q")
        self._firsts: list[tuple[Key, bytes]] = []
        self._others: list[tuple[int, bytes]] = []

    def take(self, text: bytes) -> None:
        """The next lines, each with its end. Raises UnicodeDecodeError."""
        # What is no text is no JSON, wherever it stands.
        text.decode()
        rows = _QUICK.findall(text) if b"\\" not in text else []
        if len(rows) != text.count(b"\n"):
            rows = _STRICT.findall(text)
        keys = [(row[3], row[6], row[8], row[11], row[17]) for row in rows]
        kinds = [self._known.get(key, _NEW) for key in keys]
        lines: list[bytes] = []
        for index, row in enumerate(rows):
            if row[18] or _DOES_NOT_FIT in row[7]:
                kinds[index] = _OTHER
            elif kinds[index] == _NEW:
                lines = lines or text.split(b"\n")
                kinds[index] = self._kind_of(keys[index], lines[index])
        if _OTHER in kinds:
            self._set_aside(kinds, lines or text.split(b"\n"))
            rows = [row for row, kind in zip(rows, kinds, strict=True) if kind != _OTHER]
            kinds = [kind for kind in kinds if kind != _OTHER]
        if not rows:
            return
        columns: Any = [*zip(*rows, strict=True)]
        self._ids.append(bytes.fromhex(b"".join(columns[0]).replace(b"-", b"").decode()))
        self._kind.extend(kinds)
        self._counts.extend(map(int, columns[16]))
        for worker in columns[15]:
            self._workers.setdefault(worker, len(self._workers))
        self._whose.extend(map(self._workers.__getitem__, columns[15]))
        for (place, number), column in zip(_COLUMNS, self._numbers, strict=True):
            column.extend(map(number, columns[place]))

    def _set_aside(self, kinds: list[int], lines: list[bytes]) -> None:
        before = len(self._kind)
        for index, kind in enumerate(kinds):
            if kind != _OTHER:
                before += 1
            elif lines[index].strip():
                self._others.append((before, lines[index].strip()))

    def _kind_of(self, key: Key, line: bytes) -> int:
        # Another line of the same text may have made it known meanwhile.
        kind = self._known.get(key)
        if kind is None:
            kind = len(self._firsts) if _is_plain(key, line) else _OTHER
            if kind != _OTHER:
                self._firsts.append((key, line))
            self._known[key] = kind
        return kind

    def scan(self) -> Scan:
        return Scan(
            b"".join(self._ids),
            self._numbers,
            self._kind,
            self._firsts,
            self._counts,
            self._others,
            [worker.decode() for worker in self._workers],
            self._whose,
        )


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
