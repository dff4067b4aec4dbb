"""What a change of a budget does to callers."""

from __future__ import annotations

from governance.limits import limit_effects
from governance.model.changes import Effect, SectionChange, ranked
from governance_plugins.budgets.config import Assume, Budget


def budget_effects(change: SectionChange) -> set[Effect]:
    """The effects of a change in the section `budgets`."""
    before, after = change.before, change.after
    if change.field != "unpriced" or not isinstance(before, Budget) or not isinstance(after, Budget):
        return limit_effects(change)
    if not all(budget.enabled and budget.mode == "enforce" for budget in (before, after)):
        # It comes into force, or goes out of it, as a whole.
        return limit_effects(change)
    if isinstance(before.unpriced, Assume) and isinstance(after.unpriced, Assume):
        old, new = before.unpriced.assume, after.unpriced.assume
        pairs = ((old.input, new.input), (old.output, new.output))
        return set().union(*(_of_price(*pair) for pair in pairs)) or {"cosmetic"}
    return ranked(_leniency(before), _leniency(after), "loosens", "tightens")


def _leniency(budget: Budget) -> int:
    return 1 if isinstance(budget.unpriced, Assume) else {"refuse": 0, "allow": 2}[budget.unpriced]


def _of_price(before: float, after: float) -> set[Effect]:
    """Who is taken to cost more uses his budget up sooner."""
    return {"tightens"} if after > before else {"loosens"} if after < before else set()
