"""About how many tokens a text has: judged by its kinds of characters, without a tokenizer and in bounded time.

A token is a common word, a piece of a rarer one, up to three digits, or a mark. How many a text has is told well by how
many letters, capitals, digits, marks and characters of other scripts it has; what each kind counts was fitted to
OpenAI's o200k encoding on prose, code, JSON, logs, numbers, base64 and prose in 26 other languages
(`python -m tests.bench.estimate` measures it).
"""

from __future__ import annotations

from binascii import a2b_base64
from typing import Final

# Of a longer text only so many characters are looked at, in equal pieces from its beginning to its end.
_SAMPLED_CHARACTERS: Final = 1024
_PIECES: Final = 4
# Of one prompt, each text counting as if it had so many more; what comes later is taken to be like what came before.
_MOST_CHARACTERS: Final = 16_000
_FOR_EACH_TEXT: Final = 200
# Base64 is written in two alphabets.
_URL_SAFE: Final = str.maketrans("-_", "+/")
# Between the pieces of a sample; it counts nothing.
_GAP: Final = "\0"

# One letter for each kind of byte of UTF-8. Other scripts are told by the first byte of a character.
_KINDS: Final = (
    (b"a", range(ord("a"), ord("z") + 1)),
    (b"A", range(ord("A"), ord("Z") + 1)),
    (b"0", range(ord("0"), ord("9") + 1)),
    (b" ", (ord(" "),)),
    (b"n", (ord("\n"), ord("\r"), ord("\t"))),
    (b"L", range(0xC2, 0xCE)),  # Latin with accents
    (b"G", range(0xCE, 0xD0)),  # Greek
    (b"C", range(0xD0, 0xD4)),  # Cyrillic
    (b"H", range(0xD4, 0xD8)),  # Armenian, Hebrew
    (b"R", range(0xD8, 0xE0)),  # Arabic, Syriac, N'Ko
    (b"E", range(0xE0, 0xE2)),  # the scripts of India and South-East Asia, Georgian, Vietnamese
    (b"P", range(0xE2, 0xE3)),  # marks and symbols
    (b"K", (0xE3, 0xEF)),  # kana, wide marks
    (b"Z", range(0xE4, 0xEA)),  # Han
    (b"O", range(0xEA, 0xEF)),  # Hangul
    (b"X", range(0xF0, 0xF5)),  # emoji, rare characters
)
_LATER_BYTES: Final = bytes(range(0x80, 0xC0))  # of a character that has several
_MARKS: Final = bytes(byte for byte in range(0x21, 0x7F) if not chr(byte).isalnum())

# Thousandths of a token, for each occurrence: of one kind, or of several in a row that do not overlap.
_ASCII_WEIGHTS: Final = (
    (b"a", 199),
    (b"A", 257),
    (b"0", 1775),
    (b" ", 94),
    (b"n", 1298),
    (b".", 668),
    (b"..", -740),
    (b"aA", 1467),
    (b"n0", -1645),
    (b"00", -1807),
    (b"000", -1468),
)
_OTHER_WEIGHTS: Final = (
    (b"L", 1353),
    (b"G", 395),
    (b"C", 299),
    (b"H", 395),
    (b"R", 352),
    (b"E", 386),
    (b"P", 628),
    (b"K", 722),
    (b"Z", 784),
    (b"O", 645),
    (b"X", 1920),
)


def _table() -> bytes:
    table = bytearray(b"z" * 256)
    for kind, members in ((b".", _MARKS), *_KINDS):
        for byte in members:
            table[byte] = kind[0]
    return bytes(table)


_KIND_OF: Final = _table()


class Estimator:
    """Estimates the texts of one prompt. However many and long they are, it looks at 16,000 characters at most."""

    def __init__(self) -> None:
        self._left = _MOST_CHARACTERS
        self._characters = 0
        self._millitokens = 0

    def tokens(self, text: str) -> int:
        """About how many tokens this text has; 0 only for the empty one."""
        return -(-self.millitokens(text) // 1000)

    def millitokens(self, text: str) -> int:
        """The same in thousandths, for adding up many short texts."""
        size = len(text)
        if not size:
            return 0
        if self._left <= 0:
            return max(1, size * self._millitokens // self._characters)
        sample = text if size <= _SAMPLED_CHARACTERS else _sample(text)
        seen = len(sample)
        self._left -= seen + _FOR_EACH_TEXT
        found = _millitokens(sample)
        self._characters += seen
        self._millitokens += found
        return found if seen == size else max(1, found * size // (seen - _PIECES + 1))

    def encoded_millitokens(self, data: str, start: int = 0) -> int:
        """The same for a text that is base64 from `start` on; of a long one, pieces from all over it are decoded."""
        size = len(data) - start
        if size <= _SAMPLED_CHARACTERS:
            return self.millitokens(_decoded(data[start:]))
        if self._left <= 0:
            return max(1, size * 3 // 4 * self._millitokens // self._characters)
        piece = _SAMPLED_CHARACTERS // _PIECES
        step = (size - piece) // (_PIECES - 1) // 4 * 4
        pieces = range(start, start + step * _PIECES, step)
        sample = _GAP.join([_decoded(data[at : at + piece]) for at in pieces])
        self._left -= len(sample) + _FOR_EACH_TEXT
        found = _millitokens(sample)
        self._characters += len(sample)
        self._millitokens += found
        return max(1, found * size // _SAMPLED_CHARACTERS)


def estimate_tokens(text: str) -> int:
    """About how many tokens one text has, in constant time for any length."""
    return Estimator().tokens(text)


def _decoded(data: str) -> str:
    try:
        # Shortened, for what is no whole number of bytes cannot be decoded.
        return a2b_base64(data.translate(_URL_SAFE)[: len(data) // 4 * 4]).decode("utf-8", "ignore")
    except ValueError:
        return data


def _sample(text: str) -> str:
    piece = _SAMPLED_CHARACTERS // _PIECES
    step = (len(text) - piece) // (_PIECES - 1)
    return _GAP.join([text[at : at + piece] for at in range(0, step * _PIECES, step)][:_PIECES])


def _millitokens(text: str) -> int:
    kinds = text.encode("utf-8", "surrogatepass").translate(_KIND_OF, _LATER_BYTES)
    count = kinds.count
    total = 0
    for pattern, weight in _ASCII_WEIGHTS:
        total += count(pattern) * weight
    if not text.isascii():
        for pattern, weight in _OTHER_WEIGHTS:
            total += count(pattern) * weight
    return max(1, total)
