"""Files of lines: one for each worker and hour, `2026-11-29T12.WORKER.jsonl`, compressed when the hour is over.

A line stands in the file of the hour in which its request ended.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

from governance.traffic.broken import FILE_CUT_OFF, FILE_UNREADABLE, HALF_WRITTEN, NO_JSON, Broken

HOUR_US: Final = 3_600_000_000
LINES: Final = ".jsonl"
COMPRESSED: Final = ".jsonl.gz"
_COLUMNS: Final = ".columns"
# A file that is not whole yet.
_PART: Final = ".part"
IMPORTED: Final = "imported-"
"""Of these workers nothing was spent here."""
MODE: Final = 0o640  # who asked for what is nobody else's business

_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2})\.([A-Za-z0-9-]{1,120})(?:_(\d{1,6}))?(\.jsonl(?:\.gz)?)")
# No line of ours is so long: what is longer must not fill the memory.
_LONGEST: Final = 1 << 20
_HOUR: Final = "%Y-%m-%dT%H"
_GZIP: Final = b"\x1f\x8b"


class TrafficFile(NamedTuple):
    """One file of a folder, by what its name says.

    Args:
        hour_us: when its hour began, Unix microseconds.
        segment: which of the files that its worker has written in that hour, from 1.
    """

    hour_us: int
    worker: str
    segment: int
    path: Path
    compressed: bool


def name_of(hour_us: int, worker: str, segment: int = 1) -> str:
    """The name of the file that a worker writes in this hour."""
    hour = datetime.fromtimestamp(hour_us // 1_000_000, timezone.utc).strftime(_HOUR)
    return f"{hour}.{worker}{LINES}" if segment == 1 else f"{hour}.{worker}_{segment}{LINES}"


def hour_of(at_us: int) -> int:
    """When the hour of a moment began; both Unix microseconds."""
    return at_us - at_us % HOUR_US


def files_in(folder: Path, from_us: int | None = None, to_us: int | None = None) -> list[TrafficFile]:
    """The files in which requests of a time may be, by hour and worker; none where there is no such folder.

    A request that ended later than the hour after `to_us` may be in none of them.

    Raises:
        OSError: the folder cannot be read.
    """
    found: dict[tuple[int, str, int], TrafficFile] = {}
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    for name in names:
        file = _named(folder / name)
        if file is None or (from_us is not None and file.hour_us + HOUR_US <= from_us):
            continue
        if to_us is not None and file.hour_us > to_us + HOUR_US:
            continue
        # Both are there while one is compressed: whole is the one that is not.
        known = found.get(file[:3])
        if known is None or known.compressed:
            found[file[:3]] = file
    return [found[key] for key in sorted(found)]


def given(path: Path, from_us: int | None = None, to_us: int | None = None) -> list[TrafficFile]:
    """The same for a folder, or for one file of any name.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    if path.is_dir():
        return files_in(path, from_us, to_us)
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP
    return [TrafficFile(0, "", 1, path, compressed)]


def raw_lines(file: TrafficFile) -> Iterator[tuple[str, bytes | Broken]]:
    """Every line with where it stands, without its end; what cannot be read is named, and the rest is read on."""
    name, number = file.path.name, 0
    try:
        with _opened(file) as opened:
            while line := opened.readline(_LONGEST):
                number += 1
                where = f"{name}:{number}"
                if not line.endswith(b"\n"):
                    yield where, _without_end(opened, where)
                    continue
                if line := line.strip():
                    yield where, _torn(where) if line.startswith(b"{") and not line.endswith(b"}") else line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield name, Broken(FILE_CUT_OFF, name, f"after {number} lines: {error}")
    except OSError as error:
        yield name, Broken(FILE_UNREADABLE, name, error.strerror or type(error).__name__)


def compress(path: Path) -> Path:
    """Put the compressed file in the place of the one with lines; whoever reads finds one of both at any time.

    Raises:
        OSError: what is there stays.
    """
    to, part = _compressed(path)
    try:
        with path.open("rb") as lines, _created(part) as made, gzip.GzipFile("", "wb", 6, made, 0) as packed:
            shutil.copyfileobj(lines, packed, 1 << 20)
        os.replace(part, to)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    path.unlink()
    return to


def being_compressed(folder: Path, files: Iterable[TrafficFile]) -> list[TrafficFile]:
    """Those of the files that somebody compresses now: what comes of one takes at most as much as itself."""
    try:
        names = {name for name in os.listdir(folder) if name.endswith(_PART)}
    except FileNotFoundError:
        return []
    return [file for file in files if not file.compressed and _compressed(file.path)[1].name in names]


def left_over(folder: Path, before_us: int) -> list[Path]:
    """Files that never will be whole: whoever wrote them was killed, and has written nothing since then. And columns
    of an hour that is gone.
    """
    found = []
    for entry in os.scandir(folder) if folder.exists() else ():
        with suppress(FileNotFoundError):  # it is whole by now
            killed = entry.name.endswith(_PART) and entry.stat().st_mtime_ns < 1000 * before_us
            if killed or _of_nothing(Path(entry.path)):
                found.append(Path(entry.path))
    return found


def _of_nothing(path: Path) -> bool:
    source = path.with_name(path.name.removesuffix(_COLUMNS) + COMPRESSED)
    return path.suffix == _COLUMNS and _named(source) is not None and not source.exists()


def columns_of(path: Path) -> Path:
    """What a backtest keeps of a compressed file, beside it; see `governance.backtest.beside`."""
    return path.with_name(path.name.removesuffix(COMPRESSED) + _COLUMNS)


def _compressed(path: Path) -> tuple[Path, Path]:
    to = path.with_name(path.name.removesuffix(LINES) + COMPRESSED)
    return to, to.with_name(f".{to.name}{_PART}")


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Write lines, each with its end, to a new file; compressed where its name ends in `.gz`. Returns how many.

    Raises:
        OSError: what was there before stays.
    """
    part = path.with_name(f".{path.name}{_PART}")
    count = 0
    try:
        with _created(part) as made:
            packed = gzip.GzipFile("", "wb", 6, made, 0) if path.name.endswith(".gz") else None
            for line in lines:
                (packed or made).write(line)
                count += 1
            if packed is not None:
                packed.close()
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return count


def _created(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, MODE), "wb")


def _named(path: Path) -> TrafficFile | None:
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    try:
        hour = datetime.strptime(found[1], _HOUR).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return TrafficFile(int(hour.timestamp()) * 1_000_000, found[2], int(found[3] or 1), path, found[4] == COMPRESSED)


def _opened(file: TrafficFile) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(file.path, "rb")) if file.compressed else file.path.open("rb")


def _without_end(opened: IO[bytes], where: str) -> Broken:
    rest = opened.readline(_LONGEST)
    if not rest:
        return Broken(HALF_WRITTEN, where, "the file ends in the middle of it")
    while rest and not rest.endswith(b"\n"):
        rest = opened.readline(_LONGEST)
    return Broken(NO_JSON, where, f"longer than {_LONGEST} bytes")


def _torn(where: str) -> Broken:
    return Broken(HALF_WRITTEN, where, "its end is missing")
