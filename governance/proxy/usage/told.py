"""Usage as the provider wrote it into a stream, before anything translates it: at several places, once or often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from governance.model.quantities import Quantities
from governance.proxy.usage.fields import field, items
from governance.proxy.usage.tokens import tokens

_NAMES: Final = ("usage", "usageMetadata")
# Anthropic's message, the response of OpenAI's events, Groq's own, Cohere's.
_AROUND: Final = ("message", "response", "x_groq", "delta")
_MOST: Final = 2_000
_OUTPUT_SIDE: Final = frozenset(name for name in Quantities._fields if "output" in name or name == "reasoning_tokens")


def usages_in(event: Any) -> Iterable[Any]:
    """Every usage that one event, or one whole answer, has."""
    for place in (event, *[field(event, name) for name in _AROUND], *items(event, "choices")):
        if place is None:
            continue
        for name in _NAMES:
            usage = field(place, name)
            if usage is not None and not isinstance(usage, (str, int, float, list)):
                yield usage


class Told:
    """What the provider reported in the course of one attempt; the next attempt begins anew."""

    def __init__(self) -> None:
        self.usages: list[Mapping[str, Any]] = []
        self._attempt = 0

    def note(self, attempt: int, event: Any) -> None:
        """Keep the usages of an event, if it has any.

        Args:
            attempt: which one of the request it belongs to.
        """
        if attempt != self._attempt:
            self._attempt = attempt
            self.usages.clear()
        for usage in usages_in(event):
            if isinstance(usage, Mapping):
                if len(self.usages) >= _MOST:
                    self.usages.pop()
                self.usages.append(usage)


def combined(usages: Sequence[Any], text_tokens: int, *, answers: bool = True) -> Quantities:
    """One reading of several reports.

    Most providers report sums so far, some what came since the last report. Numbers that fall are of the second kind,
    and so are those whose sum is nearer to the text that came with them than the largest of them is.

    Args:
        text_tokens: about how many the text of the answer has.
    """
    read = [tokens(usage, answers=answers) for usage in usages]
    made = [one.output_tokens for one in read if one.output_tokens]
    falls = any(later < earlier for earlier, later in pairwise(made))
    # The text is nearer to the sum than to the largest: their geometric mean lies between them.
    parts = len(made) > 1 and (falls or text_tokens**2 > max(made) * sum(made))
    found = {}
    for i, name in enumerate(Quantities._fields):
        values = [one[i] for one in read]
        found[name] = sum(values) if parts and name in _OUTPUT_SIDE else max(values, default=0)
    return Quantities(**found)


def merged(usages: Sequence[Any]) -> dict[str, Any]:
    """What the reports say beside tokens: of each field, the last that says anything."""
    found: dict[str, Any] = {}
    for usage in usages:
        if isinstance(usage, Mapping):
            found |= {name: value for name, value in usage.items() if value is not None}
    return found
