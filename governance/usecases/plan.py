"""What would come of another policy: its differences, what they do, and whether its tests pass. Nothing is changed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.model.changes import Effect
from governance.model.errors import GovernanceError
from governance.model.turns import in_turns
from governance.policy.diff import MISSING, Path
from governance.policy.diff_effects import Change, summary
from governance.testing import Result, Suite, run
from governance.usecases.blast import Touched, new_access, verdict
from governance.usecases.compare import compare_and_touch

_MOST_NAMED: Final = 4
_KINDS: Final = {"added": "add", "removed": "remove"}


class StalePlan(GovernanceError):
    """What the plan was made from is no longer in force."""


@dataclass(frozen=True)
class Plan:
    """Args:
    base, candidate: revisions of both policies.
    tests: by the name of each tests file, what came of its tests on the candidate.
    warnings: what in the candidate is allowed and can never work.
    brings: the hash of the tests that are to be kept with it; "" = those of the base stay.
    radius: each entry that changes, with whom and what it can touch.
    """

    base: str
    candidate: str
    changes: tuple[Change, ...]
    tests: Mapping[str, Sequence[Result]]
    warnings: tuple[str, ...]
    brings: str = ""
    radius: tuple[Touched, ...] = ()

    @property
    def id(self) -> str:
        """The same for the same two policies, and the tests that it brings, whenever and wherever it is made."""
        return plan_id(self.base, self.candidate, self.brings)

    @property
    def effects(self) -> dict[Effect, int]:
        """How many changes have each effect."""
        return summary(self.changes)

    @property
    def counts(self) -> dict[str, int]:
        """How much is added, changed and removed."""
        counted = Counter(_KINDS.get(change.kind, "change") for change in self.changes)
        return {what: counted[what] for what in ("add", "change", "remove")}

    @property
    def says(self) -> str:
        """What can come of it at most, in a sentence, whatever the traffic: `It can only refuse more.`"""
        first = verdict(self.effects)
        parts = [] if first is None else [first]
        parts += ["may send requests elsewhere"] if "reroutes" in self.effects else []
        anew = self.effects.get("restarts_count", 0)
        parts += [f"begins {anew} count{'s' if anew != 1 else ''} at zero"] if anew else []
        granted = len(new_access(self.radius))
        by = f"{granted} entr{'y' if granted == 1 else 'ies'}"
        access = f"grants new access by {by}" if granted else "grants no new access"
        return f"It {', '.join(parts) or 'decides as before'}, and {access}."

    @property
    def failed(self) -> tuple[tuple[str, Result], ...]:
        """Tests that the candidate does not pass, each with its file."""
        return tuple((file, result) for file, results in self.tests.items() for result in results if not result.passed)

    def report(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        results = [(file, result) for file, results in self.tests.items() for result in results]
        return {
            "plan_id": self.id,
            "base": self.base,
            "candidate": self.candidate,
            "counts": self.counts,
            "effects": self.effects,
            "changes": [told(change) for change in in_turns(self.changes)],
            "radius": {
                "says": self.says,
                "new_access": new_access(self.radius),
                "entries": [{"entry": place(entry.path), **entry.report()} for entry in in_turns(self.radius)],
            },
            "warnings": list(self.warnings),
            "tests": {
                "passed": len(results) - len(self.failed),
                "failed": [
                    {
                        "file": file,
                        "line": result.line,
                        "name": result.name,
                        "differences": [difference._asdict() for difference in result.differences],
                    }
                    for file, result in self.failed
                ],
            },
        }


async def plan(
    base: Host, candidate: Host, catalog: Catalog, suites: Iterable[Suite] = (), *, made_from: str | None = None
) -> Plan:
    """What would come of `candidate` in place of `base`.

    Args:
        catalog: what the proxy serves.
        suites: tests that the candidate should pass.
        made_from: the revision that the candidate was written from, where that is known.

    Raises:
        StalePlan: the base is another one than the candidate was made from.
    """
    if made_from is not None:
        check_fresh(made_from, base.policy.revision)
    tests = {str(suite.file): await run(candidate, suite, catalog) for suite in suites}
    found, radius = compare_and_touch(base, candidate)
    warnings = candidate.warnings(catalog)
    return Plan(base.policy.revision, candidate.policy.revision, found, tests, warnings, radius=radius)


def check_fresh(made_from: str, in_force: str) -> None:
    """Raises StalePlan where a change was made from another revision than the one in force."""
    if made_from != in_force:
        raise StalePlan(f"this was made from {made_from}, and {in_force} is in force now; plan it again from that one")


def plan_id(base: str, candidate: str, brings: str = "") -> str:
    """The identity of a plan, by the revisions of both policies, and the hash of new tests."""
    parts = [base, candidate, *([brings] if brings else [])]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def headline(changes: Sequence[Change]) -> str:
    """`2 entries changed: rate_limits[research team].requests 60/minute → 40/minute (tightens) · …`."""
    if not changes:
        return "nothing changes: both policies say the same"
    entries = len({change.path[:2] for change in changes})
    said = [_in_short(change) for change in changes[:_MOST_NAMED]]
    said += [f"{len(changes) - _MOST_NAMED} more"] if len(changes) > _MOST_NAMED else []
    return f"{entries} entr{'y' if entries == 1 else 'ies'} changed: {' · '.join(said)}"


def _in_short(change: Change) -> str:
    where, effects = place(change.path), f"({', '.join(change.effects).replace('_', ' ')})"
    if isinstance(change.before, str | int | float) and isinstance(change.after, str | int | float):
        return f"{where} {change.before} → {change.after} {effects}"
    return f"{where} {'' if change.kind == 'changed' else f'{change.kind} '}{effects}"


def told(change: Change) -> dict[str, Any]:
    """A change as JSON tells it; what is not there has no key."""
    said: dict[str, Any] = {"kind": change.kind, "path": place(change.path), "effects": list(change.effects)}
    for name, value, line in (
        ("before", change.before, change.line_before),
        ("after", change.after, change.line_after),
    ):
        if value is not MISSING:
            said[name] = value
        if line is not None:
            said[f"line_{name}"] = line
    return said if change.stated else {**said, "unknown": True}


def place(path: Path) -> str:
    """`("rate_limits", "research team", "requests")` -> `rate_limits[research team].requests`."""
    text = ""
    for i, step in enumerate(path):
        plain = isinstance(step, str) and step.replace("_", "").isalnum() and (i != 1 or len(path) == 1)
        text += f".{step}" if plain and text else str(step) if not text else f"[{step}]"
    return text
