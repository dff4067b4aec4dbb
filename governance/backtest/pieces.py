"""Pieces of lines that many lines share: each is looked at once and has a number from then on."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from governance.backtest.side_by_side import LONGEST, Places, SideBySide

NOT_SO: Final = -1
# A piece that so few of the lines have is cut out of each sooner than compared with each.
_FEW: Final = 8
# What has more is no piece that lines share.
_MOST_BEGINNINGS: Final = 64


class Pieces:
    """Pieces of one form.

    Args:
        form: of all of one piece. What is not of it has no number.
    """

    def __init__(self, form: re.Pattern[bytes]) -> None:
        self._form = form
        self._known: dict[bytes, int] = {}
        self.found: list[re.Match[bytes]] = []

    def numbers(self, lines: SideBySide, begins: Places, ends: Places) -> Any:
        """The number of each line's piece, from one place to another; `NOT_SO` for what is none."""
        numbers = np.full(len(lines), NOT_SO, dtype=np.int64)
        lengths = ends - begins
        left = np.flatnonzero(lines.ok & (lengths >= 0) & (lengths < LONGEST))
        took = len(left)
        while took * _FEW > len(lines) and len(left):
            begin, end = int(begins[left[0]]), int(ends[left[0]])
            piece = lines.text[begin:end]
            same = lengths[left] == len(piece)
            if piece:
                same[same] = lines.same(piece, begins[left[same]])
            numbers[left[same]] = self._number(piece)
            took = int(same.sum())
            left = left[~same]
        for index, begin, end in zip(left.tolist(), begins[left].tolist(), ends[left].tolist(), strict=True):
            numbers[index] = self._number(lines.text[begin:end])
        return numbers

    def _number(self, piece: bytes) -> int:
        number = self._known.get(piece)
        if number is None:
            found = self._form.fullmatch(piece)
            number = self._known[piece] = NOT_SO if found is None else len(self.found)
            if found is not None:
                self.found.append(found)
        return number


class Beginnings:
    """The same of pieces of which nobody knows where they end, but by their form."""

    def __init__(self, form: re.Pattern[bytes]) -> None:
        self._form = form
        self._known: dict[bytes, int] = {}
        self.found: list[bytes] = []

    def skip(self, lines: SideBySide) -> Any:
        """Go on behind the piece; returns its number in each line. Lines that have none are not ok any more."""
        numbers = np.full(len(lines), NOT_SO, dtype=np.int64)
        left = np.flatnonzero(lines.ok)
        for _ in range(_MOST_BEGINNINGS):
            if not len(left):
                break
            begin = int(lines.place[left[0]])
            found = self._form.match(lines.text, begin, min(begin + LONGEST - 1, len(lines.text)))
            if found is None:
                left = left[1:]
                continue
            number = self._known.setdefault(found[0], len(self.found))
            if number == len(self.found):
                self.found.append(found[0])
            same = lines.same(found[0], lines.place[left])
            numbers[left[same]] = number
            left = left[~same]
        lines.ok &= numbers != NOT_SO
        lengths = np.array([*map(len, self.found), 0], dtype=np.int64)
        lines.place = lines.place + lengths[numbers]
        return numbers
