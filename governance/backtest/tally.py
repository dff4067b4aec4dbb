"""Adds up what the lanes did with every request."""

from __future__ import annotations

from collections import Counter, defaultdict
from heapq import heappush, heapreplace
from typing import NamedTuple

from governance.backtest.changed import Changed
from governance.backtest.coverage import Reason
from governance.backtest.done import Done
from governance.backtest.figures import Figure, Lanes
from governance.backtest.report import Worst
from governance.backtest.runs import Run, subject_of
from governance.backtest.sums import Count, Sums
from governance.backtest.traced import kind_of, recorded, traced
from governance.traffic import TraceLine

_MOST_EXAMPLES = 5


class Played(NamedTuple):
    """One line and what became of it in each lane.

    Args:
        low, high: of the candidate, where anything was guessed.
        apart: others of the same subject, which are added as alike, stand between it and the one before.
    """

    line: TraceLine
    active: Done
    candidate: Done
    low: Done | None = None
    high: Done | None = None
    apart: bool = False


class Tally:
    """Sums and examples of a backtest.

    Args:
        keep: how many changed requests to keep, the first ones.
    """

    def __init__(self, keep: int, revision: str) -> None:
        self.total = Sums()
        self.teams: dict[str, Sums] = defaultdict(Sums)
        self.keys: dict[str, Sums] = defaultdict(Sums)
        self.limits: dict[str, Sums] = defaultdict(Sums)
        self.targets: dict[str, Sums] = defaultdict(Sums)
        self.moves: dict[tuple[str | None, str | None], Count] = defaultdict(Count)
        self.changed: list[tuple[int, str, Changed]] = []
        self.changed_total = 0
        self.compared = self.same = self.other_policy = 0
        self.weight = 0.0
        self.retries = 0
        self._keep, self._revision = keep, revision
        self._runs: dict[str, Run] = defaultdict(Run)
        self._differences: dict[str, tuple[int, list[str]]] = {}
        self._waits: tuple[Counter[int], Counter[int], Counter[int]] = (Counter(), Counter(), Counter())
        self._waits_guessed = False

    def add(self, played: Played) -> None:
        """Count one request."""
        line, a, b = played.line, played.active, played.candidate
        self._compare(line, a)
        self.weight += line.weight
        who = line.who
        for sums, name in ((self.total, ""), (self.teams[who.team], who.team_name), (self.keys[who.key], who.key_name)):
            sums.name = sums.name or name
            self._count(sums, played)
        for done, lane in ((a, "active"), (b, "candidate")):
            self._count_limit(done, a, b, lane, line.weight)
        self._count_targets(line, a, b)
        kind = kind_of(a, b)
        if kind:
            exact = a.exact and b.exact
            if kind != "other_refusal":
                self.moves[a.final, b.final].add(line.weight, exact=exact)
            self._keep_changed(line, a, b, kind)
        self._note_run(line, kind, apart=played.apart)
        self._note_waits(line, a, b)

    def add_alike(self, line: TraceLine, count: int, usd_micros: int) -> None:
        """Count so many requests that both policies answer as they were answered.

        Args:
            line: one of them. usd_micros: what all of them cost.
        """
        if line.told.revision and line.told.revision != self._revision:
            self.other_policy += count
        else:
            self.compared += count
            self.same += count
        self.weight += count
        who, served = line.who, line.hops[0].target
        team, key = self.teams[who.team], self.keys[who.key]
        target = self.targets[served]
        team.name, key.name = team.name or who.team_name, key.name or who.key_name
        target.name = served
        for sums in (self.total, team, key, target):
            sums.requests += count
            sums.recorded_cost += usd_micros
            for money in (sums.active, sums.candidate, sums.candidate_low, sums.candidate_high):
                money.exact += usd_micros
        if subject := subject_of(who):
            run = self._runs[subject]
            run.name = run.name or who.team_name or (who.key_name if not who.team else "")
            run.requests += count

    def add_waits(self, waits: Counter[int]) -> None:
        """How long these requests took in every lane, by milliseconds."""
        for lane in self._waits:
            lane.update(waits)

    def fidelity(self) -> tuple[Reason, ...]:
        """In which way the active policy's replay differs from what was recorded."""
        found = [Reason(code, "", lines, tuple(examples)) for code, (lines, examples) in self._differences.items()]
        return tuple(sorted(found, key=lambda reason: (-reason.lines, reason.code)))

    def p95_wait(self) -> Lanes | None:
        """Milliseconds in which 95 of 100 admitted requests were answered."""
        recorded, active, candidate = map(_p95, self._waits)
        if active is None or candidate is None:
            return None
        figure = Figure.exactly if not self._waits_guessed else _about
        return Lanes(recorded, Figure.exactly(active), figure(candidate), figure(candidate - active))

    def worst(self, most: int) -> tuple[Worst, ...]:
        """The subjects that are newly refused most."""
        found = []
        for subject, run in self._runs.items():
            sums = self.teams[subject[5:]] if subject.startswith("team:") else self.keys[subject.partition(":")[2]]
            refused = sums.newly_refused
            if refused.mid > 0 and run.first_us is not None:
                one_in = max(1, round(run.requests / refused.mid))
                found.append(
                    Worst(
                        subject,
                        run.name or subject,
                        round(run.requests),
                        refused.figure,
                        one_in,
                        run.first_us // 1000,
                        run.longest_us // 1000,
                    )
                )
        return tuple(sorted(found, key=lambda each: (-(each.newly_refused.mid or 0), each.subject))[:most])

    # --- the pieces -------------------------------------------------------------------------------------------------

    def _compare(self, line: TraceLine, a: Done) -> None:
        if line.told.revision != self._revision and line.told.revision:
            self.other_policy += 1
            return
        self.compared += 1
        told = line.told
        if told.outcome != a.outcome:
            what = "outcome"
        elif told.outcome == "refuse":
            what = "" if (told.code, told.limit) == (a.code, a.limit) else "refusal"
        else:
            what = (
                ""
                if (line.served or told.target or None) == (a.final if told.target or line.served else None)
                else "target"
            )
        if not what:
            self.same += 1
            return
        lines, examples = self._differences.get(what, (0, []))
        if len(examples) < _MOST_EXAMPLES:
            examples.append(line.id)
        self._differences[what] = lines + 1, examples

    def _count(self, sums: Sums, played: Played) -> None:
        line, a, b = played.line, played.active, played.candidate
        weight, exact = line.weight, a.exact and b.exact
        sums.requests += weight
        sums.recorded_refused += weight if line.told.outcome == "refuse" else 0
        if line.used is not None:
            sums.recorded_cost += round(weight * (line.used.usd_micros or 0))
        sums.active.add(a, weight)
        sums.candidate.add(b, weight)
        low, high = played.low or b, played.high or b
        sums.candidate_low.add(low, weight)
        sums.candidate_high.add(high, weight)
        _scenarios(sums.refused_active, weight, a.refused, a.refused, a.refused, exact=a.exact, doubt=a.doubt)
        _scenarios(sums.refused_candidate, weight, low.refused, b.refused, high.refused, exact=b.exact, doubt=b.doubt)
        newly = [each.refused and not a.refused and a.outcome != "gone" for each in (low, b, high)]
        _scenarios(sums.newly_refused, weight, *newly, exact=exact, doubt=0.0 if a.refused else b.doubt)
        admitted = [a.refused and each.outcome in ("route", "pass") for each in (low, b, high)]
        _scenarios(sums.newly_admitted, weight, *admitted, exact=exact, doubt=b.doubt if a.refused else 0.0)
        if kind_of(a, b) == "other_target":
            sums.other_target.add(weight, exact=exact)

    def _count_limit(self, done: Done, a: Done, b: Done, lane: str, weight: float) -> None:
        if not done.refused or done.limit is None:
            return
        sums = self.limits[done.limit]
        sums.name = done.limit
        if lane == "active":
            sums.refused_active.add(weight, exact=done.exact)
            if b.outcome in ("route", "pass"):
                sums.newly_admitted.add(weight, exact=done.exact and b.exact)
        else:
            sums.refused_candidate.add(weight, exact=done.exact)
            if a.outcome in ("route", "pass"):
                sums.newly_refused.add(weight, exact=done.exact and a.exact)
        if lane == "active" or not (a.refused and a.limit == done.limit):
            sums.requests += weight

    def _count_targets(self, line: TraceLine, a: Done, b: Done) -> None:
        weight = line.weight
        for name in dict.fromkeys((line.served, a.served, b.served)):
            if name is None:
                continue
            sums = self.targets[name]
            sums.name = name
            if name in (a.served, b.served):
                sums.requests += weight
            if name == line.served and line.used is not None:
                sums.recorded_cost += round(weight * (line.used.usd_micros or 0))
            if name == a.served:
                sums.active.add(a, weight)
            if name == b.served:
                for money in (sums.candidate, sums.candidate_low, sums.candidate_high):
                    money.add(b, weight)
            if a.served != b.served:
                sums.other_target.add(weight, exact=a.exact and b.exact)

    def _keep_changed(self, line: TraceLine, a: Done, b: Done, kind: str) -> None:
        self.changed_total += 1
        # A heap with the latest on top: the first ones stay, whoever found them.
        item = (-line.at_us, line.id)
        if len(self.changed) >= self._keep and (not self.changed or item < self.changed[0][:2]):
            return
        found = Changed(
            line.id,
            line.at_us // 1000,
            line.who.team,
            line.who.key,
            line.asked.model,
            kind,
            recorded(line),
            traced(a),
            traced(b),
        )
        if len(self.changed) < self._keep:
            heappush(self.changed, (*item, found))
        else:
            heapreplace(self.changed, (*item, found))

    def _note_run(self, line: TraceLine, kind: str, *, apart: bool) -> None:
        who = line.who
        subject = subject_of(who)
        if not subject:
            return
        run = self._runs[subject]
        if apart:
            run.note(line.at_us, refused=False)
        run.name = run.name or who.team_name or (who.key_name if not who.team else "")
        run.requests += line.weight
        run.note(line.at_us, refused=kind == "newly_refused")

    def _note_waits(self, line: TraceLine, a: Done, b: Done) -> None:
        if line.served and line.end_us is not None:
            self._waits[0][line.end_us // 1000] += 1
        for waits, done in ((self._waits[1], a), (self._waits[2], b)):
            if done.served and done.end_us is not None:
                waits[(done.end_us - line.at_us) // 1000] += 1
        self._waits_guessed = self._waits_guessed or not (a.exact_cost and b.exact_cost)


def _scenarios(
    count: Count, weight: float, low: bool, mid: bool, high: bool, *, exact: bool, doubt: float = 0.0
) -> None:
    count.low += weight if low else 0
    count.mid += weight if mid else 0
    count.high += weight if high else 0
    count.variance += weight * weight * doubt * (1.0 - doubt)
    if doubt or (not exact and (low or mid or high)):
        count.guessed += weight


def _p95(waits: Counter[int]) -> int | None:
    left = sum(waits.values()) * 95 / 100
    for wait in sorted(waits):
        left -= waits[wait]
        if left <= 0:
            return wait
    return None


def _about(value: int) -> Figure:
    return Figure.between(value, value, value)
