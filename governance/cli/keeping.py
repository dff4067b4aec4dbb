"""What keeps the revisions of a policy, as verbs use it: a store, or a running proxy."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from governance.model.errors import GovernanceError


class NotDone(GovernanceError):
    """Nothing was changed, and the command ends with this code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class How(NamedTuple):
    """How a change is made.

    Args:
        tests: the text of the policy tests to keep with it; None = those of the one in force.
        stage: in percent of the subjects, and of the requests of the others; None = in force for all.
        wait_s: so long for all workers to serve by it.
        override_guard: why it is made against the change guard; "" = it is not.
    """

    comment: str = ""
    tests: str | None = None
    force: bool = False
    stage: tuple[int, int] | None = None
    wait_s: float = 0
    override_guard: str = ""


class Kept(Protocol):
    """The revisions, as plain values like those of the API. Everything raises GovernanceError."""

    def history(self, most: int) -> list[dict[str, Any]]: ...

    def show(self, id: int | None) -> dict[str, Any]:
        """A revision with its `yaml`; without a number, the one in force."""

    def apply(self, text: str, name: str, base: str | None, how: How) -> dict[str, Any]:
        """`revision`, whether anything `changed`, and `workers`. The `name` is what messages call the text."""

    def rollback(self, id: int, base: str | None, how: How) -> dict[str, Any]: ...

    def promote(self, id: int | None, how: How) -> dict[str, Any]:
        """The one that is tried, in force or tried on another share; a number says which one is meant."""

    def abort(self, id: int | None, how: How) -> dict[str, Any]: ...

    def candidate(self) -> dict[str, Any]:
        """The `candidate` that is tried, or None, and as far as it is known what came of it."""

    def events(self) -> list[dict[str, Any]]:
        """The whole audit, the oldest first."""

    def verified(self) -> dict[str, Any]: ...
