"""Recorded traffic as a whole: whether it can be read, taken out as one file, and put in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from governance.backtest.decision_log import is_record, of_file
from governance.traffic import Broken, TraceLine, encoded
from governance.traffic.files import COMPRESSED, IMPORTED, given, hour_of, name_of, raw_lines, write_lines
from governance.traffic.line import loaded
from governance.traffic.reading import ended_us, entries
from governance.usecases.spend import moment

_MOST_TOLD: Final = 20


@dataclass
class Verified:
    """What was found.

    Args:
        faults: how many lines each fault is about. first: some of them, in words.
    """

    lines: int = 0
    files: int = 0
    first_us: int | None = None
    last_us: int | None = None
    workers: set[str] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)

    @property
    def told(self) -> dict[str, Any]:
        """For programs."""
        return {
            "files": self.files,
            "lines": self.lines,
            "workers": len(self.workers),
            "from": None if self.first_us is None else moment(self.first_us // 1_000_000),
            "to": None if self.last_us is None else moment(self.last_us // 1_000_000),
            "faults": dict(sorted(self.faults.items())),
            "first": self.first,
        }

    def note(self, entry: Broken) -> None:
        """Something is wrong."""
        self.faults[entry.fault] += entry.lines
        if len(self.first) < _MOST_TOLD:
            self.first.append(str(entry))

    def read(self, line: TraceLine) -> None:
        """A line is as it should be."""
        self.lines += 1
        self.workers.add(line.worker)
        self.first_us = line.at_us if self.first_us is None else min(self.first_us, line.at_us)
        self.last_us = line.at_us if self.last_us is None else max(self.last_us, line.at_us)


def verify(path: Path, from_us: int | None = None, to_us: int | None = None) -> Verified:
    """Read everything. Raises OSError where the folder or file is not there."""
    found = Verified()
    list(_wanted(path, from_us, to_us, None, found))
    return found


def export(path: Path, out: Path, from_us: int | None, to_us: int | None, team: str | None) -> Verified:
    """Write the requests that arrived in a time to one file, compressed where its name ends in `.gz`.

    Lines stay as they are, also where they have fields that this version does not know; of one team they lose their
    numbers, which would have gaps.

    Raises:
        OSError: the one cannot be read, or the other not written; what was there before stays.
    """
    found = Verified()
    raw = (
        each + b"\n" if team is None else encoded(replace(line, number=0))
        for each, line in _wanted(path, from_us, to_us, team, found)
    )
    write_lines(out, raw)
    return found


def import_file(path: Path, folder: Path) -> Verified:
    """Put the lines of a file into a folder of recorded traffic, by their hours; nobody spends anything by that.

    The same file twice is there once. A decision log is put there as traffic, as far as it tells.

    Raises:
        OSError: the file cannot be read, or the folder not written.
    """
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    found = Verified()
    hours: dict[int, list[bytes]] = {}
    lines_of = _of_log(path, found) if _is_log(path) else _wanted(path, None, None, None, found)
    for raw, line in lines_of:
        hours.setdefault(hour_of(ended_us(line)), []).append(raw + b"\n")
    for hour_us, lines in sorted(hours.items()):
        digest = sha256(b"".join(lines)).hexdigest()[:16]
        name = name_of(hour_us, f"{IMPORTED}{digest}").removesuffix(".jsonl") + COMPRESSED
        write_lines(folder / name, lines)
    return found


def _is_log(path: Path) -> bool:
    """Whether the first line that can be read is a record of a decision."""
    for file in given(path):
        for _, raw in raw_lines(file):
            told = None if isinstance(raw, Broken) else loaded(raw)
            if isinstance(told, dict):
                return is_record(told)
    return False


def _of_log(path: Path, found: Verified) -> Iterator[tuple[bytes, TraceLine]]:
    files = given(path)
    found.files = len(files)
    for line in of_file(files, path.name):
        if isinstance(line, Broken):
            found.note(line)
            continue
        found.read(line)
        yield encoded(line).rstrip(b"\n"), line


def _wanted(
    path: Path, from_us: int | None, to_us: int | None, team: str | None, found: Verified
) -> Iterator[tuple[bytes, TraceLine]]:
    files = given(path, from_us, to_us)
    found.files = len(files)
    for entry in entries(files):
        if isinstance(entry, Broken):
            found.note(entry)
            continue
        line = entry.line
        if (from_us is not None and line.at_us < from_us) or (to_us is not None and line.at_us >= to_us):
            continue
        if team is not None and team not in (line.who.team, line.who.team_name):
            continue
        found.read(line)
        yield entry.raw, line
