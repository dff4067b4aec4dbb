"""Ordinary lines, cut into numbers side by side; whatever is not quite ordinary is left to `governance.backtest.scan`.

What is taken here is what the patterns there take, and told alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from governance.backtest.pieces import Beginnings, Pieces
from governance.backtest.plain import NONE
from governance.backtest.side_by_side import Places, SideBySide

Key = tuple[bytes, ...]
"""What is no number of a line: who asks for what, what was decided, who answered, what else, which facts are there."""

NEW: Final = -2

OBJECT: Final = rb"\{[^{}\\\n]*(?:\{[^{}\\\n]*\}[^{}\\\n]*)*\}"
TEXT: Final = rb'[^"\\\n]*'
FLAT: Final = rb"[^{}\[\]\\\n]*"
_WHO: Final = re.compile(b'"who":%b,"req":%b' % (OBJECT, OBJECT))
_TOLD: Final = re.compile(b'"did":{"rev":"%b","out":"(?:route|pass)"%b(?:\\[%b\\]%b)?' % (TEXT, FLAT, FLAT, FLAT))
_ASKED: Final = re.compile(b'"hops":\\[{"to":"%b","out":"ok"' % TEXT)
_REST: Final = re.compile(FLAT)
_BY: Final = re.compile(b'"by":"(?:%b)","no":' % TEXT)
_FACTS: Final = re.compile(b'(?:,"in":"%b")?((?:,"(?:rec|not|hash)":\\[%b\\])*)}' % (TEXT, FLAT))
_BEFORE: Final = (b'"est":{', b'"win":[{', b'hops":[{', b'"use":{')
_DOES_NOT_FIT: Final = b'"fits":false'


class Cut(NamedTuple):
    """One of each for each line; of a line that is not `ok`, nothing.

    Args:
        ids: 16 bytes each. numbers: in the order of `governance.backtest.scan.Numbers`. kind: which of the keys it
            has. counts: how-manieth of its worker. whose: which of the workers.
    """

    ok: Any
    ids: Any
    numbers: tuple[Any, ...]
    kind: Any
    counts: Any
    whose: Any


class Cutter:
    """Cuts the texts of one file, one after the other.

    Args:
        kind_of: the number of a key, of which it is told a line. worker_of: the number of a worker.
    """

    def __init__(self, kind_of: Callable[[Key, bytes], int], worker_of: Callable[[bytes], int]) -> None:
        self._kind_of, self._worker_of = kind_of, worker_of
        self._told, self._rest, self._facts = Pieces(_TOLD), Pieces(_REST), Pieces(_FACTS)
        self._asked, self._by = Beginnings(_ASKED), Beginnings(_BY)
        self._kinds: dict[tuple[int, ...], dict[bytes, int]] = {}

    def cut(self, text: bytes) -> Cut:
        """Whole lines, each with its end."""
        lines = SideBySide(text)
        if b"\\" in text:
            # Then not every quotation mark is one.
            lines.set_aside(lines.all_of(b"\\"))
        if _DOES_NOT_FIT in text:
            lines.set_aside(np.array([found.start() for found in re.finditer(_DOES_NOT_FIT, text)]))
        est, win, hops, use = _objects(lines)
        lines.skip(b'{"v":1,"id":"')
        ids = lines.uuid()
        lines.skip(b'","at":')
        at_us = lines.number(16)
        lines.ok &= at_us > 0
        lines.skip(b',"end":')
        end_us = lines.number()
        lines.skip(b',"who":')
        who = lines.place - len(b'"who":')
        who_end = est - len(b',"est":')
        lines.go_to(who_end)
        lines.skip(b',"est":{"in":')
        prompt, most = lines.number(), lines.optional(b',"max_out":', NONE)
        lines.skip(b"},")
        told_end = np.where(win < 0, hops - len(b'},"hops":['), win - len(b'"win":['))
        told = self._told.numbers(lines, lines.place, told_end)
        lines.ok &= (told >= 0) & _whole(lines, win, hops)
        lines.go_to(hops - len(b'"hops":['))
        asked = self._asked.skip(lines)
        start_us, took_ms = lines.optional(b',"start":', 0), lines.optional(b',"ms":', 0)
        rest_end = use - len(b'}],"use":')
        rest = self._rest.numbers(lines, lines.place, rest_end)
        lines.ok &= rest >= 0
        lines.go_to(rest_end)
        lines.skip(b'}],"use":{"in":')
        used_in = lines.number()
        lines.skip(b',"out":')
        used_out = lines.number()
        lines.optional(b',"cached":', 0)
        lines.skip(b',"usd":')
        usd = lines.number()
        lines.optional(b',"saved":', 0)
        lines.skip(b"},")
        by = self._by.skip(lines)
        counts = lines.number(15)
        lines.ok &= counts > 0
        facts = self._facts.numbers(lines, lines.place, lines.ends)
        lines.ok &= facts >= 0
        kind = self._kind(lines, who, who_end, (told, asked, rest, facts))
        numbers = (at_us, end_us, prompt, most, start_us, took_ms, used_in, used_out, usd)
        return Cut(lines.ok, ids, numbers, kind, counts, self._whose(lines.ok, by))

    def _whose(self, ok: Any, by: Any) -> Any:
        workers = np.zeros(len(self._by.found) + 1, dtype=np.int32)
        for number in np.unique(by[ok]).tolist():
            workers[number] = self._worker_of(self._by.found[number][len(b'"by":"') : -len(b'","no":')])
        return workers[by]

    def _kind(self, lines: SideBySide, begins: Places, ends: Places, others: tuple[Any, ...]) -> Any:
        """The number of each line's key; lines whose key is of another form are not ok any more."""
        kinds = np.full(len(lines), NEW, dtype=np.int32)
        left = np.flatnonzero(lines.ok)
        while len(left):
            first = tuple(int(each[left[0]]) for each in others)
            alike = np.ones(len(left), dtype=bool)
            for each, number in zip(others, first, strict=True):
                alike &= each[left] == number
            some, left = left[alike], left[~alike]
            text, known = lines.text, self._kinds.setdefault(first, {}).get
            places = zip(begins[some].tolist(), ends[some].tolist(), strict=True)
            found = np.array([known(text[begin:end], NEW) for begin, end in places], dtype=np.int32)
            for index in np.flatnonzero(found == NEW).tolist():
                line = int(some[index])
                found[index] = self._new(lines, line, text[int(begins[line]) : int(ends[line])], first)
            kinds[some] = found
        lines.ok &= kinds != NEW
        return kinds

    def _new(self, lines: SideBySide, line: int, who: bytes, others: tuple[int, ...]) -> int:
        known = self._kinds[others]
        kind = known.get(who)
        if kind is None:
            if _WHO.fullmatch(who) is None:
                kind = NEW
            else:
                told, asked, rest, facts = others
                pieces = (self._told.found[told][0], self._asked.found[asked], self._rest.found[rest][0])
                key = (who, *pieces, self._facts.found[facts][1])
                kind = self._kind_of(key, lines.text[int(lines.starts[line]) : int(lines.ends[line])])
            known[who] = kind
        return kind


def _objects(lines: SideBySide) -> tuple[Places, Places, Places, Places]:
    """Where the estimate, the first window, the first attempt and the use of each line begin; -1: nowhere."""
    braces = lines.all_of(b"{")
    est, win, hops, use = (lines.first(braces[lines.which(braces, before)]) for before in _BEFORE)
    return est, win, hops, use


def _whole(lines: SideBySide, win: Places, hops: Places) -> Any:
    """Whether the windows of each line end where its decision does, and only there."""
    brackets = lines.all_of(b"]")
    if not len(brackets):
        return np.ones(len(lines), dtype=bool)
    following = brackets[np.minimum(np.searchsorted(brackets, win), len(brackets) - 1)]
    end = hops - len(b'},"hops":[')
    return ((win < 0) | (following == end - 1)) & lines.stands(b'},"', np.maximum(end, 0))
