"""What is said of a policy that is tried, and what is not, for want of data."""

from __future__ import annotations

from typing import Any

import pytest

from governance.usecases.trial_summary import ENOUGH, summary


def record(arm: str, refused: bool = False, failed: bool = False, would: str | None = None) -> dict[str, Any]:
    return {
        "arm": arm,
        "policy_revision": {"in_force": "sha256:1", "candidate": "sha256:2"}.get(arm, "sha256:0"),
        "outcome": "refuse" if refused else "route",
        "served": None if refused or failed else "a/m",
        "attempts": [] if refused else [{"target": "a/m"}],
        "usage": None if refused or failed else {"cost_usd_micros": 3},
        **({"would": {"policy_revision": "sha256:2", "difference": would, "code": "x"}} if would else {}),
    }


def told(*groups: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    return summary((each for count, each in groups for _ in range(count)), "sha256:2", "sha256:1").report()


def test_each_arm_is_counted_by_its_own_policy() -> None:
    found = told(
        (3, record("in_force")),
        (1, record("in_force", refused=True)),
        (2, record("candidate", failed=True)),
        (5, {"policy_revision": "sha256:1"}),
    )

    assert found["arms"] == {
        "in_force": {"requests": 4, "refused": 1, "failed": 0, "cost_usd_micros": 9},
        "candidate": {"requests": 2, "refused": 0, "failed": 2, "cost_usd_micros": 0},
    }
    assert (found["verdict"], found["worse"]) == ("not_enough_data", [])


@pytest.mark.parametrize(("refused", "verdict"), [(0, "not_worse"), (10, "not_worse"), (200, "worse")])
def test_with_enough_on_both_sides_it_is_said_whether_more_are_refused(refused: int, verdict: str) -> None:
    groups = [(ENOUGH, record("in_force")), (ENOUGH - refused, record("candidate"))]

    found = told(*groups, (refused, record("candidate", refused=True)))

    assert (found["verdict"], found["worse"]) == (verdict, ["refused"] if verdict == "worse" else [])
    assert told(*groups[:1], (ENOUGH - 1, record("candidate", refused=True)))["verdict"] == "not_enough_data"


def test_what_would_differ_is_counted_by_how() -> None:
    found = told(
        (4, record("in_force", would="none")),
        (2, record("in_force", would="would_refuse")),
        (1, record("in_force", would="unknown")),
    )

    assert found["shadow"] == {
        "seen": 6,
        "would_differ": 2,
        "by_difference": {"none": 4, "would_refuse": 2, "unknown": 1},
        "by_code": {"x": 7},
    }
