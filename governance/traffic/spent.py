"""What recorded traffic has cost: sums by hour, by whom, and by what served. Pure arithmetic over lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any, Final, NamedTuple

HOUR_S: Final = 3600
OTHER: Final = "(other)"
"""In place of a name, once there are too many of its kind in one hour."""
TAGS_BETWEEN: Final = "\x1f"

_LONGEST: Final = 200
_US: Final = 1_000_000
# Callers choose users, tags and models, so that each is bounded: so many in one hour at one worker.
MOST: Final = {"team": 2_000, "key": 2_000, "user": 1_000, "model": 300, "target": 500, "profile": 300, "tags": 200}
MOST_CELLS: Final = 10_000


class Cell(NamedTuple):
    """What sums are kept by. "" where there is none.

    Args:
        hour_s: when the hour began in which the request arrived, Unix seconds.
        target: who answered, else who was tried last, else who was chosen.
        tags: all of a request, in order, between `TAGS_BETWEEN`.
        code: of a refusal.
    """

    hour_s: int
    team: str = ""
    key: str = ""
    user: str = ""
    model: str = ""
    target: str = ""
    profile: str = ""
    tags: str = ""
    code: str = ""

    @property
    def digest(self) -> str:
        """The same for equal names, whatever the hour."""
        text = "\0".join(self[1:]).encode("utf-8", "surrogatepass")
        return blake2b(text, digest_size=16).hexdigest()


@dataclass(slots=True)
class Sums:
    """What is summed up; money in micro-dollars.

    Args:
        requests: refused ones included. failed: those that were let through and had no answer.
        usd_micros: as the ledger has settled it. saved_usd_micros: what cached tokens would have cost besides.
        kept_usd_micros: what stays counted as it was reserved, where nobody knows what was used.
    """

    requests: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    usd_micros: int = 0
    saved_usd_micros: int = 0
    kept_usd_micros: int = 0

    def add(self, other: Sums) -> None:
        """Both together."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


SUMS: Final = tuple(field.name for field in fields(Sums))
Names = dict[tuple[str, str], str]


def spent(line: Mapping[str, Any]) -> Iterator[tuple[Cell, Sums]]:
    """What one line adds, and where.

    Args:
        line: as `trace.v1` has it.
    """
    who, did, hops = line["who"], line["did"], line.get("hops", ())
    late, used = line.get("late", False), line.get("use")
    if line.get("mirror_of"):
        # No limit of a caller counts what a mirror gets.
        who = {}
    cell = Cell(
        hour_s=line["at"] // _US // HOUR_S * HOUR_S,
        team=_told(who.get("team", "")),
        key=_told(who.get("key", "")),
        user=_told(who.get("user", "")),
        model=_told(line["req"]["model"]),
        target=_told(_target(hops, did)),
        profile=_told(did.get("profile") or ""),
        tags="" if line.get("mirror_of") else _tags(line["req"].get("tags", ())),
        code=_told(did.get("code") or ""),
    )
    sums = _of(used or {})
    sums.requests = 0 if late else 1
    # One that was told as failed, and was answered after all.
    sums.failed = -1 if late else int(used is None and did["out"] != "refuse")
    sums.kept_usd_micros = line.get("kept", 0)
    yield cell, sums
    for hop in hops:
        if part := hop.get("part"):
            yield cell._replace(target=_told(hop["to"])), _of(part)


def names_in(line: Mapping[str, Any]) -> Names:
    """Names for people, by kind and id."""
    who = line["who"]
    return {
        (kind, _told(who[kind])): _told(who[f"{kind}_name"])
        for kind in ("team", "key")
        if who.get(kind) and who.get(f"{kind}_name")
    }


class Tally:
    """Sums up lines; names beyond the bounds of an hour are `OTHER`, and their sums are not lost.

    Attributes:
        last: number of the last line.
    """

    def __init__(self) -> None:
        self.cells: dict[Cell, Sums] = {}
        self.names: Names = {}
        self.last = 0
        self._known: dict[int, dict[str, set[str]]] = {}
        self._cells: dict[int, set[str]] = {}

    def add(self, line: Mapping[str, Any]) -> None:
        """One more line."""
        for cell, sums in spent(line):
            bounded = self._bounded(cell)
            known = self.cells.get(bounded)
            if known is None:
                self.cells[bounded] = sums
            else:
                known.add(sums)
        if "team_name" in line["who"] or "key_name" in line["who"]:
            self.names.update(names_in(line))
        self.last = max(self.last, line.get("no", 0))

    def taken(self) -> tuple[dict[Cell, Sums], Names, int]:
        """What was added since the last time; the bounds stay as full as they are."""
        cells, names, self.cells, self.names = self.cells, self.names, {}, {}
        return cells, names, self.last

    def _bounded(self, cell: Cell) -> Cell:
        known = self._known.get(cell.hour_s)
        if known is None:
            # Requests of another hour are long ones, and few.
            for old in sorted(self._known)[:-2]:
                del self._known[old], self._cells[old]
            known = self._known[cell.hour_s] = {name: set() for name in MOST}
            self._cells[cell.hour_s] = set()
        folded: dict[str, Any] = {}
        for name, most in MOST.items():
            value, seen = getattr(cell, name), known[name]
            if value and value not in seen:
                if len(seen) >= most:
                    folded[name] = OTHER
                else:
                    seen.add(value)
        if folded:
            cell = cell._replace(**folded)
        seen, digest = self._cells[cell.hour_s], cell.digest
        if digest not in seen:
            if len(seen) >= MOST_CELLS:
                return cell._replace(user=OTHER, key=OTHER, tags=OTHER, model=OTHER)
            seen.add(digest)
        return cell


def _of(used: Mapping[str, Any]) -> Sums:
    return Sums(
        input_tokens=used.get("in") or 0,
        output_tokens=used.get("out") or 0,
        cached_tokens=used.get("cached") or 0,
        usd_micros=used.get("usd") or 0,
        saved_usd_micros=used.get("saved") or 0,
    )


def _target(hops: Any, did: Mapping[str, Any]) -> str:
    answered = next((hop["to"] for hop in reversed(hops) if hop["out"] == "ok"), None)
    tried = answered or next((hop["to"] for hop in reversed(hops) if hop["out"] != "skipped"), None)
    found: str = tried or did.get("target") or ""
    return found


def _tags(tags: Any) -> str:
    return _told(TAGS_BETWEEN.join(dict.fromkeys(tag.replace(TAGS_BETWEEN, " ") for tag in sorted(tags))), 1_000)


def _told(text: str, longest: int = _LONGEST) -> str:
    """A name as every database can keep it; what is too long ends in a digest of the whole."""
    if len(text) <= longest and text.isascii() and "\0" not in text:
        return text
    encoded = text.encode("utf-8", "replace")
    plain = encoded.decode("utf-8").replace("\0", "\ufffd")
    if len(plain) <= longest:
        return plain
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{plain[: longest - 20]}… {digest}"
