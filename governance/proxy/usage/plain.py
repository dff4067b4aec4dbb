"""Most answers report two sums and nothing else: these are read at once, and all the others by every rule there is."""

from __future__ import annotations

from typing import Any, Final

from governance.model.quantities import Quantities

_TOTALS: Final = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})
# To be there at all makes it another API's.
_OF_OTHERS: Final = frozenset({"promptTokenCount", "candidatesTokenCount"})
_DETAILS: Final = frozenset({"prompt_tokens_details", "completion_tokens_details"})
_MOST: Final = 10**15


def plain_tokens(reported: Any) -> Quantities | None:
    """The tokens of a usage that says no more than how many were read and written; None for every other one."""
    said = _said(reported)
    if said is None:
        return None
    inputs, outputs, total = said.get("prompt_tokens"), said.get("completion_tokens"), said.get("total_tokens")
    if not (type(inputs) is type(outputs) is type(total) is int and 0 <= inputs <= total <= _MOST):
        return None
    if outputs != total - inputs or outputs < 0:
        return None
    for name, value in said.items():
        if not value:
            if value is not None and name in _OF_OTHERS:
                return None
        elif name not in _TOTALS and not (name in _DETAILS and _says_nothing(value)):
            return None
    return Quantities(inputs, outputs)


def _says_nothing(details: Any) -> bool:
    said = _said(details)
    return said is not None and not any(said.values())


def _said(value: Any) -> dict[str, Any] | None:
    """All fields of a mapping, or of an object of pydantic's, with those that its class does not know."""
    if type(value) is dict:
        return value
    try:
        known: dict[str, Any] = value.__dict__
        more: dict[str, Any] | None = value.__pydantic_extra__
    except AttributeError:
        return None
    return {**known, **more} if more else known
