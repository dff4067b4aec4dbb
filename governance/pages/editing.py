"""What is being edited: an entry of the policy in force, or all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from governance.pages.not_shown import NotShown
from governance.pages.render import Show
from governance.usecases.candidate import secrets_in

# Those that have a form; the others are written as YAML here, or on a page of their own.
FORMS: Final = {"profiles": "profile", "rules": "rule", "limits": "limit", "budgets": "budget"}
EDITABLE: Final = {**FORMS, "keys": "key"}
_LOOKED_AT: Final[list[tuple[Any, list[str]]]] = [(None, [])]


@dataclass(frozen=True)
class Edited:
    """Args:
    section: "" for the policy as a whole.
    name: of the entry as it is in force; "" for a new one.
    base: the hash of the policy that the writer has seen.
    """

    section: str
    name: str
    base: str
    comment: str = ""

    @property
    def noun(self) -> str:
        """What people call it."""
        return EDITABLE[self.section] if self.section else "policy"

    @property
    def values(self) -> dict[str, Any]:
        """The same for a template."""
        return {
            "section": self.section,
            "name": self.name,
            "base": self.base,
            "noun": self.noun,
            "form": self.section in FORMS,
        }


def open_policy(show: Show) -> Any:
    """The policy in force, where it may be shown and edited. Raises NotDone."""
    policy = show.of.engine.stated.policy
    withheld = _secrets(policy)
    if withheld:
        where = ", ".join(withheld[:5])
        message = f"secrets stand in this policy ({where}), so it is changed in its file alone; name variables there"
        raise NotShown(409, message)
    return policy


def _secrets(policy: Any) -> list[str]:
    # To look for them a long policy is parsed, which takes seconds, and it stays the same from page to page.
    seen, withheld = _LOOKED_AT[0]
    if seen is not policy:
        withheld = secrets_in(policy)
        _LOOKED_AT[0] = policy, withheld
    return withheld


def noun_of(section: str, known: Mapping[str, str] = EDITABLE) -> str:
    """What an entry of a section is called. Raises NotDone for one that is not edited here."""
    if section not in known:
        message = f"these pages edit {', '.join(known)}; the rest stands in the policy as a whole"
        raise NotShown(404, message)
    return known[section]
