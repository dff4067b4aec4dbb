"""What came of a policy that is tried, as the records of decisions tell it: how it did, and what it would have done.

Whoever is tried and whoever is not are compared by their shares of refusals and of failures. Two shares differ for
certain where the normal test of two proportions says so at a level of one in a thousand: looked at again and again, it
errs more often than once, which is why nothing is decided by itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Fewer on one side say nothing, however they went.
ENOUGH: Final = 500
# The quantile of the normal distribution for one in a thousand, two-sided.
_CERTAIN_Z: Final = 3.29


@dataclass
class Arm:
    """What came of the requests that one policy has decided."""

    requests: int = 0
    refused: int = 0
    failed: int = 0
    cost_usd_micros: int = 0

    def note(self, record: Mapping[str, Any]) -> None:
        """One more. Of those that went on, one that no target answered has failed."""
        self.requests += 1
        if record["outcome"] == "refuse":
            self.refused += 1
        elif record["served"] is None and record["attempts"]:
            self.failed += 1
        usage = record["usage"] or {}
        self.cost_usd_micros += usage.get("cost_usd_micros") or 0


@dataclass
class Summary:
    """Args:
    arms: by `in_force` and `candidate`.
    would: of the requests that the candidate only looked at, how many it would have decided in which way.
    """

    arms: dict[str, Arm] = field(default_factory=lambda: {"in_force": Arm(), "candidate": Arm()})
    would: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def worse(self) -> list[str]:
        """In what the candidate did certainly worse: `refused`, `failed`."""
        mine, theirs = self.arms["candidate"], self.arms["in_force"]
        return [what for what in ("refused", "failed") if _z(mine, theirs, what) > _CERTAIN_Z]

    @property
    def verdict(self) -> str:
        """`not_enough_data`, `worse` or `not_worse`; the first is no leave to promote."""
        if min(arm.requests for arm in self.arms.values()) < ENOUGH:
            return "not_enough_data"
        return "worse" if self.worse else "not_worse"

    def report(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        seen = self.would.total() - self.would["unknown"]
        return {
            "arms": {name: vars(arm) for name, arm in self.arms.items()},
            "verdict": self.verdict,
            "worse": self.worse if self.verdict == "worse" else [],
            "enough": ENOUGH,
            "shadow": {
                "seen": seen,
                "would_differ": seen - self.would["none"],
                "by_difference": dict(self.would),
                "by_code": dict(self.codes),
            },
        }


def summary(records: Iterable[Mapping[str, Any]], candidate: str, in_force: str) -> Summary:
    """What the records say of a candidate beside the policy in force, both by the hash of what they say."""
    found = Summary()
    revisions = {"candidate": candidate, "in_force": in_force}
    for record in records:
        arm = record.get("arm")
        if arm not in revisions or record["policy_revision"] != revisions[arm]:
            continue
        found.arms[arm].note(record)
        would = record.get("would")
        if would and would.get("policy_revision", candidate) == candidate:
            found.would[would["difference"]] += 1
            if would.get("code"):
                found.codes[would["code"]] += 1
    return found


def _z(mine: Arm, theirs: Arm, what: str) -> float:
    """How many standard deviations more of mine are `what`; 0 where nothing can be said."""
    mine_, theirs_ = getattr(mine, what), getattr(theirs, what)
    if not (mine.requests and theirs.requests):
        return 0.0
    both = (mine_ + theirs_) / (mine.requests + theirs.requests)
    deviation = math.sqrt(both * (1 - both) * (1 / mine.requests + 1 / theirs.requests))
    return 0.0 if deviation == 0 else (mine_ / mine.requests - theirs_ / theirs.requests) / deviation
