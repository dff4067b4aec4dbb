"""What targets had delivered of an answer when their streams were cut and another one continued it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.engine.decision import Decision
from governance.model import Usage
from governance.model.quantities import Quantities
from governance.proxy.usage import part_of, part_so_far


class Parts:
    """LiteLLM tells a target that goes on with an answer what all before it had delivered (1.109 and later)."""

    def __init__(self) -> None:
        self.of: list[tuple[str, Usage]] = []
        self._cut: list[str] = []
        self._told = Quantities()

    def cut(self, target: str) -> None:
        """The stream of this `provider/model` was cut."""
        self._cut.append(target)

    def note(self, kwargs: Mapping[str, Any], decision: Decision) -> None:
        """An attempt that continued others has ended; what is new in its sum is of the one that was cut last.

        Args:
            kwargs: of LiteLLM's event.
        """
        so_far = part_so_far(kwargs)
        if so_far is None or len(self.of) >= len(self._cut):
            return
        part = Quantities(*(max(0, now - before) for now, before in zip(so_far, self._told, strict=True)))
        target, first = self._cut[-1], not self.of
        self._told = so_far
        self.of.append((target, part_of(kwargs, decision, target, part, whole=first)))
