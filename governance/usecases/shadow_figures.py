"""What a policy that looks on, or an entry that only watches, would have done: a backtest's figures, of live traffic.

Each request was decided by the policy in force, with the windows as they were. What the other would have done to it is
known; what that would have done to later requests is not, since nothing was counted by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from governance.backtest.figures import Figure, Lanes
from governance.backtest.report import Move, Row, Totals
from governance.catalog import Catalog
from governance.model.quantities import Quantities

# Where nobody knows how long another model's answer would have been: so many times as long.
_SPREAD: Final = (0.5, 1.0, 2.0)
_MOST_ROWS: Final = 1_000

Priced = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Would:
    """One request, and what would have become of it.

    Args:
        by: limit that would have refused it.
        target: who would have served it; "" = nobody.
    """

    record: Mapping[str, Any]
    refused: bool
    target: str = ""
    by: str = ""

    @property
    def did_refuse(self) -> bool:
        """Whether it was refused."""
        return bool(self.record["outcome"] == "refuse")

    @property
    def did_target(self) -> str:
        """Who was asked first; "" = nobody."""
        return "" if self.did_refuse else str(self.record.get("model") or "")


@dataclass(slots=True)
class _Sum:
    name: str = ""
    requests: int = 0
    did_refuse: int = 0
    would_refuse: int = 0
    newly: int = 0
    admitted: int = 0
    other: int = 0
    did_cost: int = 0
    would: list[int] = field(default_factory=lambda: [0, 0, 0])
    unknown: int = 0

    def add(self, one: Would, did_cost: int, would: Priced | None) -> None:
        self.requests += 1
        self.did_refuse += one.did_refuse
        self.would_refuse += one.refused
        self.newly += one.refused and not one.did_refuse
        self.admitted += one.did_refuse and not one.refused
        self.other += not one.refused and not one.did_refuse and one.target != one.did_target
        self.did_cost += did_cost
        if would is None:
            self.unknown += 1
        for i, each in enumerate(would or ()):
            self.would[i] += each

    def totals(self) -> Totals:
        did, low, mid, high = self.did_cost, *self.would
        refused = Figure.exactly(self.did_refuse)
        return Totals(
            self.requests,
            _lanes(self.did_refuse, refused, Figure.exactly(self.would_refuse)),
            Figure.exactly(self.newly),
            Figure.exactly(self.admitted),
            Figure.exactly(self.other),
            Lanes(did, Figure.exactly(did), self._money(low, mid, high), self._money(low - did, mid - did, high - did)),
        )

    def _money(self, low: int, mid: int, high: int) -> Figure:
        if low == high and not self.unknown:
            return Figure.exactly(mid)
        return Figure.between(low, mid, high, unknown=self.unknown)


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    """The same figures as of a backtest; `active` is what was done, `candidate` what would have been.

    Args:
        totals: None where nothing was looked at.
        unseen: requests that the other could not be asked about.
    """

    totals: Totals | None
    teams: tuple[Row, ...]
    keys: tuple[Row, ...]
    limits: tuple[Row, ...]
    targets: tuple[Row, ...]
    moves: tuple[Move, ...]
    unseen: int = 0

    def report(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)


def of_policy(records: Iterable[Mapping[str, Any]], candidate: str, catalog: Catalog) -> ShadowFigures:
    """What a candidate would have done with requests that it looked on at, by the records of decisions.

    Args:
        candidate: the hash of what it says.
        catalog: what the proxy serves, with prices.
    """
    found: list[Would] = []
    unseen = 0
    for record in records:
        would = record.get("would")
        if not would or would.get("policy_revision", candidate) != candidate:
            continue
        if would["difference"] == "unknown":
            unseen += 1
        elif would["outcome"] == "refuse":
            found.append(Would(record, True, by=str(would.get("limit") or "")))
        else:
            found.append(Would(record, False, str(would.get("model") or "")))
    return _figures(found, catalog, unseen)


def of_entries(records: Iterable[Mapping[str, Any]], catalog: Catalog) -> dict[str, ShadowFigures]:
    """What each entry in mode `shadow` would have done by itself with requests that it met, by `section: name`."""
    by_entry: dict[str, list[Would]] = {}
    for record in records:
        for entry in record.get("shadow", ()):
            name = f"{entry.get('plugin', '')}: {entry.get('name', '')}"
            by_entry.setdefault(name, []).append(_by_entry(record, entry))
    return {name: _figures(found, catalog, 0) for name, found in sorted(by_entry.items())}


def _by_entry(record: Mapping[str, Any], entry: Mapping[str, Any]) -> Would:
    said = entry.get("would")
    would: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    did_refuse = record["outcome"] == "refuse"
    if "refuse" in would or entry.get("would") == "refuse":
        return Would(record, True, by=str(entry.get("name", "")))
    target = str(would.get("model") or record.get("model") or "")
    return Would(record, did_refuse, "" if did_refuse else target)


def _figures(found: list[Would], catalog: Catalog, unseen: int) -> ShadowFigures:
    whole = _Sum()
    parts: dict[str, dict[str, _Sum]] = {what: {} for what in ("teams", "keys", "limits", "targets")}
    moves: dict[tuple[str | None, str | None], int] = {}
    for one in found:
        did = int((one.record.get("usage") or {}).get("cost_usd_micros") or 0)
        would = _would_cost(one, did, catalog)
        whole.add(one, did, would)
        for what, id, name in _of(one):
            parts[what].setdefault(id, _Sum(name)).add(one, did, would)
        pair = one.did_target or None, one.target or None
        if pair[0] != pair[1]:
            moves[pair] = moves.get(pair, 0) + 1
    rows = {what: _rows(sums) for what, sums in parts.items()}
    listed = sorted(moves.items(), key=lambda each: (-each[1], each[0][0] or "", each[0][1] or ""))
    told = tuple(Move(did, then, Figure.exactly(count)) for (did, then), count in listed[:_MOST_ROWS])
    return ShadowFigures(whole.totals() if found else None, **rows, moves=told, unseen=unseen)


def _of(one: Would) -> Iterable[tuple[str, str, str]]:
    who = one.record.get("identity") or {}
    for what, id, name in (("teams", "team_id", "team_name"), ("keys", "virtual_key_id", "virtual_key_name")):
        if who.get(id):
            yield what, str(who[id]), str(who.get(name) or who[id])
    for limit in {one.by, str((one.record.get("refusal") or {}).get("limit") or "")} - {""}:
        yield "limits", limit, limit
    for target in {one.target, one.did_target} - {""}:
        yield "targets", target, target


def _would_cost(one: Would, did: int, catalog: Catalog) -> Priced | None:
    """Low, middle and high, in micro-dollars; None where nobody can say."""
    if one.refused:
        return 0, 0, 0
    if not one.did_refuse and one.target == one.did_target:
        return did, did, did
    usage = one.record.get("usage") or {}
    inputs, outputs = usage.get("input_tokens"), usage.get("output_tokens")
    if inputs is None or outputs is None:
        return None
    facts = catalog.facts(one.target)
    low, mid, high = (facts.billed(Quantities(inputs, round(outputs * factor))) for factor in _SPREAD)
    return None if low is None or mid is None or high is None else (low, mid, high)


def _lanes(recorded: int, active: Figure, candidate: Figure) -> Lanes:
    change = (candidate.mid or 0) - (active.mid or 0)
    return Lanes(recorded, active, candidate, Figure.exactly(change))


def _rows(sums: Mapping[str, _Sum]) -> tuple[Row, ...]:
    rows = [Row(id, each.name, each.totals()) for id, each in sums.items()]
    rows.sort(key=lambda row: (-(row.totals.newly_refused.mid or 0), -(row.totals.other_target.mid or 0), row.id))
    return tuple(rows[:_MOST_ROWS])
