"""Whole numbers in few bytes: the lowest bytes of all of them, then the next ones, each such plane packed."""

from __future__ import annotations

import zlib
from struct import Struct
from typing import Any, Final

import numpy as np

# Bytes of each number, the least of them, bytes of all of them as they are packed.
_HEAD: Final = Struct("<BqI")
_WIDTHS: Final = (0, 1, 2, 4, 8)
_LEVEL: Final = 1
_MEMORY: Final = 9


def packed(numbers: Any) -> bytes:
    """These numbers of up to 64 bits, whose least and largest are less than 2 to the 63rd apart."""
    least, most = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
    width = next(each for each in _WIDTHS if most - least < 1 << 8 * each)
    planes = squeezed((numbers - least).astype(f"<u{width}").view(np.uint8).reshape(-1, width).T) if width else b""
    return _HEAD.pack(width, least, len(planes)) + planes


def unpacked(text: bytes, place: int, count: int) -> tuple[Any, int]:
    """So many numbers, which begin at a place, and where they end.

    Raises:
        struct.error, ValueError, zlib.error: none are there.
    """
    width, least, length = _HEAD.unpack_from(text, place)
    place += _HEAD.size
    if width not in _WIDTHS:
        raise ValueError(width)
    numbers = np.full(count, least, dtype=np.int64)
    if width:
        planes = stretched(text[place : place + length], width, count)
        numbers += np.ascontiguousarray(planes.T).view(f"<u{width}").reshape(-1).astype(np.int64)
    return numbers, place + length


def squeezed(planes: Any) -> bytes:
    """Bytes, a row for each plane. Most planes are alike from end to end or as good as drawn: runs are all there is."""
    packing = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY, zlib.Z_RLE)
    return packing.compress(np.ascontiguousarray(planes).tobytes()) + packing.flush()


def stretched(text: bytes, planes: int, count: int) -> Any:
    """So many planes of so many bytes again.

    Raises:
        ValueError, zlib.error: it is not that.
    """
    return np.frombuffer(whole(text, planes * count), dtype=np.uint8).reshape(planes, count)


def whole(text: bytes, length: int) -> bytes:
    """What is packed there; never more than it should be.

    Raises:
        ValueError, zlib.error: it is not as long.
    """
    packing = zlib.decompressobj()
    found = packing.decompress(text, length + 1)
    if len(found) != length or not packing.eof:
        raise ValueError(length)
    return found
