"""Columns of an hour that is closed, kept beside its file: whoever reads it next unpacks and cuts no lines.

They hold for the very bytes of that file, and for the version that has cut them; where either is another one, or
anything of them is not as it was written, the lines are cut once more. What is in them are numbers, one whole line of
each class, and the lines that are not plain: nothing that is not in the file.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from struct import Struct
from struct import error as StructError
from typing import Any, Final

import numpy as np

from governance.backtest.columns import ID_BYTES
from governance.backtest.plain import NONE
from governance.backtest.planes import packed, squeezed, stretched, unpacked, whole
from governance.backtest.scan import DTYPES, Numbers, Scan, keys_of, scanned
from governance.traffic.files import TrafficFile, columns_of, write_lines

# To be another one whenever lines are cut otherwise.
_FORMAT: Final = b"governance columns 1\n"
_DIGEST_BYTES: Final = 32
_READ_AT_ONCE: Final = 1 << 20
# How many: plain lines, classes, other lines, workers; bytes of their text, and of that as it is packed; of the ids.
_HEAD: Final = Struct("<7I")
# Lines that take more are cut sooner than kept.
_MOST_TEXT: Final = 64 << 20
_UNUSABLE: Final = (OSError, ValueError, StructError, zlib.error)
# From where to below where numbers of lines are.
_NUMBER: Final = (0, 10**9)
_COUNT: Final = (1, 10**15)
_NUMBERS: Final = ((1, 10**16), _NUMBER, _NUMBER, (NONE, 10**9), *[_NUMBER] * (len(Numbers._fields) - 4))


def scanned_once(file: TrafficFile) -> Scan | None:
    """The same as `scanned`; of a closed hour of a folder it is kept for the next time, where that may be written."""
    if not (file.compressed and file.worker):
        return scanned(file.path, file.compressed)
    beside = columns_of(file.path)
    try:
        # Of what is there before it is cut: of what takes its place meanwhile these are not the columns.
        of, most_bytes = _digest_of(file.path), file.path.stat().st_size
    except OSError:
        return None
    with suppress(*_UNUSABLE):
        return _read(beside, of, most_bytes)
    found = scanned(file.path, file.compressed)
    if found is not None and os.access(beside.parent, os.W_OK):
        text = _written(found, of)
        if len(text) <= most_bytes:
            with suppress(OSError):
                write_lines(beside, [text])
    return found


def _digest_of(path: Path) -> bytes:
    digest = sha256(_version())
    with path.open("rb") as file:
        while piece := file.read(_READ_AT_ONCE):
            digest.update(piece)
    return digest.digest()


@cache
def _version() -> bytes:
    return version("litellm-governance").encode()


def _written(scan: Scan, of: bytes) -> bytes:
    lines = (line for _, line in (*scan.firsts, *scan.others))
    text = b"".join(line + b"\n" for line in (*(worker.encode() for worker in scan.workers), *lines))
    small, ids = zlib.compress(text, 1), squeezed(scan.ids.T)
    head = len(scan.kind), len(scan.firsts), len(scan.others), len(scan.workers), len(text), len(small), len(ids)
    places = np.array([place for place, _ in scan.others], dtype=np.int64)
    # Of counts by how much they grow, which is mostly one.
    columns = scan.kind, np.diff(scan.counts, prepend=0), scan.whose, *scan.numbers, places
    rest = b"".join((of, _HEAD.pack(*head), small, ids, *map(packed, columns)))
    return _FORMAT + sha256(rest).digest() + rest


def _read(beside: Path, of: bytes, most_bytes: int) -> Scan:
    """Raises one of `_UNUSABLE` where there is nothing that holds for a file of this digest and size."""
    with beside.open("rb") as file:
        given = file.read(most_bytes + 1)
    begin = len(_FORMAT) + _DIGEST_BYTES
    rest = given[begin:]
    if len(given) > most_bytes or given[:begin] != _FORMAT + sha256(rest).digest() or not rest.startswith(of):
        raise ValueError(beside)
    return _scan(rest)


def _scan(rest: bytes) -> Scan:
    lines, classes, others, workers, length, small, ids = _HEAD.unpack_from(rest, _DIGEST_BYTES)
    _must(lines <= len(rest) and length <= _MOST_TEXT)
    at = _DIGEST_BYTES + _HEAD.size
    texts = whole(rest[at : at + small], length).split(b"\n")
    _must(len(texts) == workers + classes + others + 1)
    firsts, rare = texts[workers : workers + classes], texts[workers + classes : -1]
    keys = keys_of(firsts)
    planes = stretched(rest[at + small : at + small + ids], ID_BYTES, lines)
    at += small + ids
    columns = []
    for count in (*[lines] * len(DTYPES), others):
        column, at = unpacked(rest, at, count)
        columns.append(column)
    _must(at == len(rest))
    columns[1] = np.cumsum(columns[1])
    limits = ((0, classes), _COUNT, (0, workers), *_NUMBERS, (0, lines + 1))
    for column, (low, high) in zip(columns, limits, strict=True):
        _must(not len(column) or (low <= column.min() and column.max() < high))
    places = columns.pop()
    _must(not (np.diff(places) < 0).any())
    kind, counts, whose, *numbers = (each.astype(dtype) for each, dtype in zip(columns, DTYPES, strict=True))
    return Scan(
        np.ascontiguousarray(planes.T),
        Numbers(*numbers),
        kind,
        list(zip(keys, firsts, strict=True)),
        counts,
        list(zip(places.tolist(), rare, strict=True)),
        [worker.decode() for worker in texts[:workers]],
        whose,
    )


def _must(holds: Any) -> None:
    if not holds:
        raise ValueError("no columns")
