"""A valid policy beside what its file says: the values before the environment is filled in, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from governance.policy.diff import MISSING, Path, entries, folded
from governance.policy.document import Core, Policy, is_wrapped, unwrap
from governance.policy.nodes import Tree, read_tree

# Those that belong to no plugin.
CORE_KEYS: Final = frozenset(Core.model_fields)


@dataclass(frozen=True)
class Written:
    """Args:
    document: the policy's own keys as plain values, without the gateway plugin's wrapping.
    root: where they stand in the file.
    """

    policy: Policy
    document: Mapping[str, Any]
    tree: Tree
    root: tuple[str, ...]
    _known: dict[str, dict[str, int] | None] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, policy: Policy) -> Written:
        """What the text of a policy says."""
        tree = read_tree(policy.text, policy.source)
        document, root = unwrap(tree) if is_wrapped(tree.data) else (tree.data, ())
        return cls(policy, document, tree, root)

    def line(self, path: Path) -> int | None:
        """Where this stands in the file; None when it does not."""
        try:
            at = self._at(path)
        except LookupError:
            return None
        mark = self.tree.marks.get((*self.root, *at))
        return mark.line if mark else None

    def section(self, name: str) -> Any:
        """What a section has become: of a plugin or of the core; None when it is not used."""
        return getattr(self.policy.core, name, None) if name in CORE_KEYS else self.policy.sections.get(name)

    def entry(self, section: str, name: str) -> Any:
        """What an entry of a section has become; None when it is not there."""
        model = self.section(section)
        listed = getattr(model, "root", model)
        place = self._places(section).get(folded(name))
        return listed[place] if place is not None and isinstance(listed, tuple) and place < len(listed) else None

    def listed(self, section: str) -> bool:
        """Whether a section is a list of named entries here."""
        return section in self.document and self._named(section) is not None

    def _places(self, section: str) -> dict[str, int]:
        """Where each entry of a section stands."""
        return self._named(section) or {}

    def _named(self, section: str) -> dict[str, int] | None:
        """The same; None for a section that is no list of named entries. Looked at once, whatever is asked of it."""
        if section not in self._known:
            found = entries(self.document.get(section, MISSING))
            self._known[section] = None if found is None else {name: i for i, name in enumerate(found)}
        return self._known[section]

    def _at(self, path: Path) -> Path:
        """The path with positions in place of names."""
        found: list[str | int] = []
        value: Any = self.document
        for step in path:
            if isinstance(value, list):
                place = self._places(str(path[0]))[folded(step)] if isinstance(step, str) else step
                value = value[place]
                found.append(place)
            elif isinstance(value, dict):
                value = value[step]
                found.append(step)
            else:
                raise LookupError(step)
        return tuple(found)
