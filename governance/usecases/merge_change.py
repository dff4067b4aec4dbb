"""A change that was made from a policy which is no longer in force, put into the one that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from governance.model.errors import PolicyError
from governance.policy.diff import MISSING
from governance.policy.merge import Conflict, merge
from governance.policy.nodes import read_tree
from governance.policy.rewritten import rewritten
from governance.policy.yaml_text import NotEditable
from governance.store import Store
from governance.usecases.revisions import history

# Who wrote from an older one has more to read than a merge can tell.
_MOST_REVISIONS: Final = 200


@dataclass(frozen=True)
class MergedChange:
    """Args:
    text: the policy in force with the change, its comments kept, or those of mine where entries change their places;
        None where somebody has to decide, or to edit by hand.
    conflicts: what both changed, each otherwise.
    """

    text: str | None
    conflicts: tuple[Conflict, ...]

    def report(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {"merged": self.text, "conflicts": [_told(conflict) for conflict in self.conflicts]}


def merge_change(base: str, mine: str, in_force: str) -> MergedChange:
    """My change of `base` in the text of the policy in force. Raises PolicyError where one of them is no document."""
    documents = [_document(text) for text in (base, mine, in_force)]
    merged = merge(*documents)
    if merged.conflicts:
        return MergedChange(None, merged.conflicts)
    # Where mine puts entries in another order, theirs is written into mine.
    for text in (in_force, mine):
        try:
            return MergedChange(rewritten(text, merged.document), ())
        except NotEditable:
            continue
    return MergedChange(None, ())


def merge_into(store: Store, base: str, mine: str, in_force: str) -> MergedChange | None:
    """The same by the hash of the base; None where no late revision has it. Raises StoreUnavailable, PolicyError."""
    page = history(store, _MOST_REVISIONS)
    found = next((revision for revision in page.revisions if revision.hash == base), None)
    return None if found is None else merge_change(found.yaml, mine, in_force)


def _document(text: str) -> Mapping[str, Any]:
    tree = read_tree(text, "policy")
    if tree.problems or not isinstance(tree.data, dict):
        raise PolicyError(tree.problems or [tree.problem((), "a policy is a mapping of keys to values")])
    return tree.data


def _told(conflict: Conflict) -> dict[str, Any]:
    values = {"base": conflict.base, "yours": conflict.mine, "theirs": conflict.theirs}
    there = {name: value for name, value in values.items() if value is not MISSING}
    return {"path": list(conflict.path), **there}
