"""How an attempt can fail, whose fault each kind is, and what follows from it where nobody says otherwise.

The one table of it: the policy's words, the plugin's defaults and the reference come from here.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Whose = Literal["caller", "target", "account", "provider", "way"]
"""The caller's fails at every target; the target's is about this request there; the account's is about the operator's
account or configuration there; the provider's is its own; the way's is the connection to it."""


class Kind(NamedTuple):
    """One kind of failure.

    Args:
        retry: whether another target is tried.
        cool_down: how long the failed target is left alone, in the words of the policy; "" for not at all.
        unsaid_s: seconds for `retry_after` where the provider does not say how long.
    """

    name: str
    whose: Whose
    retry: bool = True
    cool_down: str = ""
    unsaid_s: float = 10.0


KINDS: Final = (
    Kind("invalid_request", "caller", retry=False),
    Kind("content_policy", "target"),
    Kind("context_window_exceeded", "target"),
    Kind("output_limit_exceeded", "target"),
    Kind("unsupported", "target"),
    Kind("auth", "account", cool_down="5m"),
    Kind("account_exhausted", "account", cool_down="retry_after", unsaid_s=600.0),
    Kind("not_found", "account", cool_down="30s after 3 in 60s"),
    Kind("rate_limited", "provider", cool_down="retry_after"),
    Kind("overloaded", "provider", cool_down="15s"),
    Kind("server_error", "provider", cool_down="10s after 3 in 60s"),
    Kind("timeout", "provider", cool_down="15s unless alone"),
    Kind("unknown", "provider", cool_down="10s after 3 in 60s"),
    Kind("connection_error", "way", cool_down="15s unless alone"),
)

BY_NAME: Final = {kind.name: kind for kind in KINDS}

OTHER_TARGETS_WILL_NOT_HELP: Final = frozenset(kind.name for kind in KINDS if not kind.retry)
"""What is wrong with a request is wrong with it everywhere."""

OF_THE_REQUEST: Final = frozenset(kind.name for kind in KINDS if kind.whose in ("caller", "target"))
"""Another request to the same target would not have met it, so it cools nobody down."""


def whose(kind: str) -> Whose | None:
    """Whose fault a failure of this kind is; None for one that is no kind."""
    known = BY_NAME.get(kind)
    return known.whose if known else None
