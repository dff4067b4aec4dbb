"""Lines of text that are read side by side: each step is taken in all of them at once, in a few passes over numbers.

A line that is not as it is taken to be is no longer `ok`, and whatever is read of it from there on means nothing.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

Places = Any
"""Where something stands, one number for each line."""

_WORD: Final = 8
_WORDS: Final = np.dtype("<u8")
# More than all steps together go beyond the last line, and as much as may be compared there.
_BEYOND: Final = 4096
LONGEST: Final = 1024
"""As many bytes can be compared at most."""
_ONE: Final = np.uint64(1)
_ZEROS: Final = np.uint64(0x3030303030303030)
_TO_TOP: Final = np.uint64(0x7676767676767676)
_TOPS: Final = np.uint64(0x8080808080808080)
# Eight digits become four numbers of two, two of four, one of eight.
_PAIRS: Final = tuple(
    (np.uint64(mask), np.uint64(factor), np.uint64(shift))
    for mask, factor, shift in (
        (0x0F0F0F0F0F0F0F0F, 10 * 2**8 + 1, 8),
        (0x00FF00FF00FF00FF, 100 * 2**16 + 1, 16),
        (0x0000FFFF0000FFFF, 10_000 * 2**32 + 1, 32),
    )
)
_TENS: Final = np.array([10**exponent for exponent in range(_WORD + 1)], dtype=np.uint64)
_NIBBLES: Final = np.full(256, 255, dtype=np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", dtype=np.uint8)] = np.arange(16)
_DASHES: Final = (8, 13, 18, 23)
_UUID_CHARACTERS: Final = 36
_DIGITS: Final = [place for place in range(_UUID_CHARACTERS) if place not in _DASHES]


class SideBySide:
    """The lines of a text, each with its end, and how far each has been read.

    Args:
        place: of each line, where it goes on. ok: whether it has been as it was taken to be so far.
    """

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._padded = text + bytes(_BEYOND)
        self._bytes: Any = np.frombuffer(self._padded, dtype=np.uint8)
        self._words: Any = np.ndarray((len(self._padded) - _WORD + 1,), _WORDS, self._padded, strides=(1,))
        self.ends: Places = self.all_of(b"\n")
        self.starts: Places = np.concatenate((np.zeros(1, dtype=np.int64), self.ends[:-1] + 1))
        self.place: Places = self.starts.copy()
        self.ok: Any = np.ones(len(self.ends), dtype=bool)

    def __len__(self) -> int:
        return len(self.ends)

    def all_of(self, byte: bytes) -> Places:
        """Every place of a byte."""
        return np.flatnonzero(self._bytes[: len(self.text)] == byte[0])

    def which(self, places: Places, before: bytes) -> Any:
        """Whether what stands there is the end of these at most eight bytes."""
        words = self._words[np.maximum(places - _WORD + 1, 0)] >> np.uint64(8 * (_WORD - len(before)))
        return words == np.uint64(int.from_bytes(before, "little"))

    def first(self, places: Places) -> Places:
        """The first of these places in each line; -1 where there is none. They come in their order."""
        if len(places) == len(self) and bool(((places > self.starts) & (places < self.ends)).all()):
            return places
        lines: Any = np.searchsorted(self.ends, places)
        found = np.full(len(self), -1, dtype=np.int64)
        found[lines[::-1]] = places[::-1]
        return found

    def set_aside(self, places: Places) -> None:
        """The lines in which these places are can be read in another way only."""
        self.ok[np.searchsorted(self.ends, places)] = False

    def go_to(self, places: Places) -> None:
        """Go on there; a line that has no such place (below where it is) is not ok."""
        self.ok &= places >= self.place
        self.place = np.where(self.ok, places, self.starts)

    def stands(self, literal: bytes, places: Places | None = None) -> Any:
        """Whether these bytes stand where each line goes on, or there."""
        places = self.place if places is None else places
        found: Any = None
        for begin in range(0, len(literal), _WORD):
            piece = literal[begin : begin + _WORD]
            words = self._words[places + begin]
            if len(piece) < _WORD:
                words = words & np.uint64(2 ** (8 * len(piece)) - 1)
            same = words == np.uint64(int.from_bytes(piece, "little"))
            found = same if found is None else found & same
        return found

    def same(self, literal: bytes, places: Places) -> Any:
        """The same of up to `LONGEST` bytes."""
        length = len(literal)
        view = np.ndarray((len(self._padded) - length + 1,), f"S{length}", self._padded, strides=(1,))
        return view[places] == np.frombuffer(literal, dtype=f"S{length}")[0]

    def skip(self, literal: bytes) -> None:
        """Go on behind these bytes, which every line has here."""
        self.ok &= self.stands(literal)
        self.place = self.place + len(literal)

    def uuid(self) -> Any:
        """16 bytes of each, written as a UUID."""
        view = np.ndarray((len(self._padded) - 63,), f"V{_UUID_CHARACTERS}", self._padded, strides=(1,))
        characters = view[self.place].view(np.uint8).reshape(-1, _UUID_CHARACTERS)
        nibbles = _NIBBLES[characters[:, _DIGITS]]
        self.ok &= (characters[:, _DASHES] == ord("-")).all(axis=1) & (nibbles < 16).all(axis=1)
        self.place = self.place + _UUID_CHARACTERS
        return nibbles[:, 0::2] << 4 | nibbles[:, 1::2] & 15

    def number(self, most: int = 9) -> Any:
        """A number of so many digits at most, up to 16, without zeros before it."""
        values, lengths = self._number(self.place)
        self.ok &= self._is_number(self.place, lengths, most)
        self.place = self.place + lengths
        return values

    def optional(self, literal: bytes, absent: int) -> Any:
        """The number behind these bytes, of nine digits at most; where they do not stand, another one."""
        there = self.stands(literal)
        if not there.any():
            return np.full(len(self), absent, dtype=np.int64)
        begin = self.place + len(literal)
        values, lengths = self._number(begin)
        self.ok &= self._is_number(begin, lengths, 9) | ~there
        self.place = np.where(there, begin + lengths, self.place)
        return np.where(there, values, absent)

    def _is_number(self, begin: Places, lengths: Any, most: int) -> Any:
        return (lengths > 0) & (lengths <= most) & ((self._bytes[begin] != ord("0")) | (lengths == 1))

    def _number(self, begin: Places) -> tuple[Any, Any]:
        values, lengths = _digits(self._words[begin])
        if (lengths == _WORD).any():
            more, others = _digits(self._words[begin + _WORD])
            others = np.where(lengths == _WORD, others, 0)
            values = np.where(others > 0, values * _TENS[others] + more, values)
            lengths = lengths + others
        return values.astype(np.int64), lengths


def _digits(words: Any) -> tuple[Any, Any]:
    """The number that eight characters begin with, and how many digits it has."""
    figures = words ^ _ZEROS
    # A carry goes to characters behind the first that is no digit, which count for nothing.
    others = ((figures + _TO_TOP) | figures) & _TOPS
    lengths = np.bitwise_count((others & (~others + _ONE)) - _ONE) >> 3
    # What is behind the number is pushed out, and zeros stand before it.
    values = figures << (np.uint64(8) * np.minimum(_WORD - lengths, _WORD - 1).astype(np.uint64))
    for mask, factor, shift in _PAIRS:
        values = ((values & mask) * factor) >> shift
    return values, lengths.astype(np.int64)
