"""What would have been done beside what was done, of live traffic, in the figures of a backtest."""

from __future__ import annotations

from typing import Any

from governance.backtest.figures import Figure
from governance.usecases.shadow_figures import of_entries, of_policy
from tests.backtest.workload import CATALOG

MINI, LARGE = "openai/gpt-4o-mini", "openai/gpt-4o"


def record(
    would: dict[str, Any] | None = None, *, team: str = "t1", refused: bool = False, **more: Any
) -> dict[str, Any]:
    usage = {"input_tokens": 1_000, "output_tokens": 100, "cost_usd_micros": 210}
    return {
        "outcome": "refuse" if refused else "route",
        "model": None if refused else MINI,
        "identity": {"team_id": team, "team_name": team.upper(), "virtual_key_id": f"k-{team}"},
        "refusal": {"limit": "old"} if refused else None,
        "usage": None if refused else usage,
        "shadow": [],
        **({"would": {"policy_revision": "sha256:2", **would}} if would else {}),
        **more,
    }


SAME = {"difference": "none", "outcome": "route", "model": MINI}
OTHER = {"difference": "other_target", "outcome": "route", "model": LARGE}
REFUSES = {"difference": "would_refuse", "outcome": "refuse", "code": "requests_exhausted", "limit": "new"}


def test_both_values_stand_beside_each_other_per_team_limit_and_target() -> None:
    records = [
        record(SAME),
        record(REFUSES),
        record(OTHER, team="t2"),
        record(
            {"difference": "other_refusal", **{k: v for k, v in REFUSES.items() if k != "difference"}}, refused=True
        ),
        record({"difference": "unknown"}),
        record(),
        record({**REFUSES, "policy_revision": "sha256:9"}),
    ]
    found = of_policy(records, "sha256:2", CATALOG)

    totals = found.totals
    assert totals is not None
    assert (totals.requests, found.unseen) == (4, 1)
    assert (totals.refused.active.mid, totals.refused.candidate.mid, totals.newly_refused.mid) == (1, 2, 1)
    assert totals.other_target == Figure.exactly(1)
    assert (totals.cost.active.mid, totals.cost.candidate.label) == (630, "estimated")
    # Of the first 210, of those refused nothing, of the third 2,500 for the prompt and 500 to 2,000 for the answer.
    assert (totals.cost.candidate.low, totals.cost.candidate.mid, totals.cost.candidate.high) == (3_210, 3_710, 4_710)
    assert {row.id: row.totals.newly_refused.mid for row in found.teams} == {"t1": 1, "t2": 0}
    assert {row.id: row.totals.refused.candidate.mid for row in found.limits} == {"new": 2, "old": 1}
    moves = [(move.active, move.candidate, move.requests.mid) for move in found.moves]
    assert moves == [(MINI, None, 1), (MINI, LARGE, 1)]


def test_who_would_be_admitted_costs_what_nobody_knows() -> None:
    admitted = record({"difference": "would_admit", "outcome": "route", "model": MINI}, refused=True)
    found = of_policy([admitted], "sha256:2", CATALOG)

    assert found.totals is not None
    assert found.totals.newly_admitted == Figure.exactly(1)
    assert (found.totals.cost.candidate.label, found.totals.cost.candidate.unknown) == ("estimated", 1)


def test_of_nothing_nothing_is_told() -> None:
    assert of_policy([record()], "sha256:2", CATALOG).totals is None
    assert of_entries([record()], CATALOG) == {}


def test_each_entry_that_only_watches_is_told_by_itself() -> None:
    limit = {"plugin": "rate_limits", "name": "tight", "would": {"refuse": 429}}
    rule = {"plugin": "routing_rules", "name": "away", "would": {"model": LARGE, "fallbacks": []}}
    found = of_entries([record(shadow=[limit]), record(shadow=[limit, rule]), record()], CATALOG)

    assert list(found) == ["rate_limits: tight", "routing_rules: away"]
    tight, away = (figures.totals for figures in found.values())
    assert tight is not None
    assert away is not None
    assert (tight.requests, tight.newly_refused.mid, tight.cost.active.mid, tight.cost.candidate.mid) == (2, 2, 420, 0)
    assert (away.requests, away.other_target.mid, away.cost.candidate.mid) == (1, 1, 3_500)
