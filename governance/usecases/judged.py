"""Whether what a backtest found keeps within what a change may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from governance.backtest.coverage import Coverage
from governance.backtest.figures import Figure
from governance.backtest.report import Report

_MILLION: Final = 1_000_000
_PERCENT: Final = 10_000
_WORDS: Final = {"max_new_refusals": "newly refused", "max_cost": "costs more"}

What = Literal["max_new_refusals", "max_cost"]


class Exceeded(NamedTuple):
    """Something that a change does more of than it may.

    Args:
        most_ppm, found_ppm: parts of a million; of all requests, or of what they cost. `found_ppm` None: of nothing.
    """

    what: What
    most_ppm: int
    found_ppm: int | None

    @property
    def words(self) -> str:
        """`newly refused: 1.2% of the requests, at most 0.1% (max_new_refusals)`."""
        of = "of the requests" if self.what == "max_new_refusals" else "than now"
        found = "more than nothing" if self.found_ppm is None else f"{percent(self.found_ppm)} {of}"
        return f"{_WORDS[self.what]}: {found}, at most {percent(self.most_ppm)} ({self.what})"


@dataclass(frozen=True)
class Judgement:
    """What came of it.

    Args:
        why_not: why it could not be judged; "" = it was.
        remarks: what makes the figures less than certain.
    """

    exceeded: tuple[Exceeded, ...] = ()
    why_not: str = ""
    remarks: tuple[str, ...] = ()
    requests: int = 0
    newly_refused: Figure | None = None
    cost: Figure | None = None
    backtest: str | None = None

    @property
    def held(self) -> bool:
        """Whether nothing keeps the change from being made."""
        return not self.exceeded

    @property
    def words(self) -> str:
        """In a line for people."""
        if self.why_not:
            return f"the change guard could not judge it: {self.why_not}"
        if self.exceeded:
            return "; ".join(each.words for each in self.exceeded)
        return f"the change guard holds: looked at {self.requests:,} requests"

    def report(self) -> dict[str, Any]:
        """All of it, ready for JSON. `verdict`: `held`, `exceeded` or `not_judged`."""
        verdict = "not_judged" if self.why_not and self.held else "held" if self.held else "exceeded"
        return {
            "verdict": verdict,
            "message": self.words,
            "exceeded": [each._asdict() for each in self.exceeded],
            "remarks": list(self.remarks),
            "requests": self.requests,
            "newly_refused": _plain(self.newly_refused),
            "cost_usd_micros": _plain(self.cost),
            "backtest": self.backtest,
        }


def judge(report: Report, max_new_refusals: int | None, max_cost: int | None, backtest: str | None = None) -> Judgement:
    """What a report says of a change that may do so much, in parts of a million; of a range its upper end counts."""
    totals = report.totals
    requests, newly, delta = totals.requests, totals.newly_refused, totals.cost.delta
    why = _why_not(report.coverage)
    exceeded: list[Exceeded] = []
    unknown: list[str] = []
    if max_new_refusals is not None and requests:
        if newly.high is None:
            unknown.append("nobody can say how many are newly refused")
        elif newly.high * _MILLION > max_new_refusals * requests:
            exceeded.append(Exceeded("max_new_refusals", max_new_refusals, newly.high * _MILLION // requests))
    if max_cost is not None and requests:
        now = totals.cost.active.mid
        if delta.high is None or now is None:
            unknown.append("nobody can say what it costs")
        elif delta.high > 0 and delta.high * _MILLION > max_cost * now:
            exceeded.append(Exceeded("max_cost", max_cost, delta.high * _MILLION // now if now else None))
    return Judgement(
        tuple(exceeded), why or "; ".join(unknown), tuple(_remarks(report)), requests, newly, delta, backtest
    )


def percent(ppm: int) -> str:
    """Parts of a million as a percentage, as short as it is exact: `0.1%`."""
    whole, rest = divmod(abs(ppm), _PERCENT)
    return f"{'-' if ppm < 0 else ''}{whole}{f'.{rest:04d}'.rstrip('0') if rest else ''}%"


def _why_not(coverage: Coverage) -> str:
    if not coverage.lines:
        return "no traffic is recorded of that time"
    return "" if coverage.replayed else f"none of the {coverage.lines:,} recorded lines can be replayed"


def _remarks(report: Report) -> list[str]:
    found = []
    fidelity, coverage = report.fidelity, report.coverage
    if fidelity.compared and not fidelity.trusted:
        found.append(
            f"the policy in force does what was recorded for {percent(fidelity.ppm or 0)} of the requests only"
        )
    if coverage.replayed and coverage.not_replayable:
        found.append(f"{coverage.not_replayable:,} of {coverage.lines:,} recorded lines cannot be replayed")
    return found


def _plain(figure: Figure | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {"label": figure.label, "low": figure.low, "mid": figure.mid, "high": figure.high}
