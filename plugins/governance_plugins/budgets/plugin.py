"""Charges what serving from each target would cost to every budget that applies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from governance.catalog import Catalog
from governance.hookspecs import hookimpl
from governance.limits import LimitBook, limit_reach, limit_warnings
from governance.model import NO_FACTS, Charge, Rejection, Request, Ruling, Target, Window, codes
from governance.model.labels import Require
from governance_plugins.budgets.config import Budget, BudgetsConfig
from governance_plugins.budgets.effects import budget_effects


class Budgets:
    """Plugin `budgets`. Money depends on who serves, so all of it is charged to the target."""

    Config = BudgetsConfig
    on_error = "refuse"
    effects = staticmethod(budget_effects)
    reach = staticmethod(limit_reach)

    def __init__(self, config: BudgetsConfig) -> None:
        self._book = LimitBook(config.root)
        self.reads_percent = self._book.reads_percent
        self.facts_read = self._book.facts_read

    def let_go(self) -> None:
        """Another policy decides."""
        self._book.let_go()

    def warnings(self, catalog: Catalog, claimed: Callable[[str], bool]) -> Iterator[str]:
        """Budgets that can never count or degrade; see `governance check`."""
        return limit_warnings(self._book.limits, catalog, claimed)

    def windows(self, request: Request) -> Iterator[Window]:
        """Those that may count this request, were it served by the model that it asks for."""
        for _, found in self._book.round(request).of_target(Target(request.model)):
            yield from found

    def demands(self) -> Iterator[Require]:
        """What each limit requires."""
        return self._book.demands

    def limit_on(self, request: Request) -> str | None:
        """The name of a budget that may bind this caller, whatever it asks for."""
        budget = self._book.first_on(request)
        return budget.name if budget else None

    @hookimpl
    def pre_request(self, request: Request) -> Ruling | None:
        refusal = self._book.refusal(request)
        if refusal:
            return Ruling(refusal=refusal)
        require = self._book.required(request) if self._book.requires else ()
        return Ruling(require=require) if require else None

    @hookimpl
    def charge_targets(self, request: Request, targets: Sequence[Target]) -> list[Target] | None:
        if not self._book.limits:
            return None
        budgets = self._book.round(request)
        charged = [
            target if target.rejected else _charged(request, target, list(budgets.of_target(target)))
            for target in targets
        ]
        return charged if any(new is not old for new, old in zip(charged, targets, strict=True)) else None


def _charged(request: Request, target: Target, budgets: list[tuple[Budget, tuple[Window, ...]]]) -> Target:
    if not budgets:
        return target
    facts = request.models.facts(target.name) if request.models else NO_FACTS
    charges: list[Charge] = []
    note = target.note
    for budget, windows in budgets:
        for window in windows:
            charge = request.charge(window, facts, target.name)
            if charge is None and budget.assumed is not None:
                charge = request.charge(window, budget.assumed, target.name)
                charge = charge and Charge(charge.window, charge.amount, budget.assumed)
            if charge is None and (budget.unpriced == "allow" or budget.mode == "shadow"):
                note = f"its price is unknown; not counted in {budget.name}"
                continue
            if charge is None:
                detail = f"its price is unknown, so budget {budget.name} cannot be kept"
                return target.but(rejected=Rejection(codes.UNPRICED, detail))
            # What is free fits into a budget that is used up. What costs nothing as far as the body tells may cost yet.
            if charge.amount or not (charge.assumed or facts).prices.is_free:
                charges.append(replace(charge, amount=max(1, charge.amount)))
    return target.but(charges=(*target.charges, *charges), note=note)
