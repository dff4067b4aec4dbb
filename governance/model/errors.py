"""What can go wrong outside a request. Inside one, a refusal is a value (`governance.model.Refusal`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from governance.model.printable import printable


class GovernanceError(Exception):
    """Base of every error this package raises on purpose."""


class Problem(NamedTuple):
    """One mistake in a policy: where it is, what is wrong and what would be right.

    Args:
        path: as people read it, `rate_limits[2].requests`.
        pointer: the same for programs, `/rate_limits/2/requests` (RFC 6901); "" for the whole.
    """

    source: str
    line: int
    column: int
    path: str
    message: str
    pointer: str = ""

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        # One line, whatever stands in the file: it may come from somebody else, and goes to logs and terminals.
        return printable(f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}")


class PolicyError(GovernanceError):
    """A policy that cannot be used; holds every problem found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.source, p.line, p.column, p.path)))
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[PolicyError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class LedgerUnavailable(GovernanceError):
    """The ledger did not answer in time; nothing is known to have been counted."""


class StoreUnavailable(GovernanceError):
    """The store did not answer in time, or cannot be used; nothing of what was asked is known to have been done."""
