"""What all conditions and limits of a policy may cost one request together, worked out when it is loaded.

Each condition is bounded by itself, and ten thousand of them are not: nobody else is served while they are asked.
"""

from __future__ import annotations

from typing import Final

MOST_MS: Final = 50.0
TOLD_FROM_MS: Final = 10.0

_MEND: Final = (
    "let each say whom or what it is for, by its scope or subject or by `==`, `in` or `startsWith` on a name, so that "
    "a request is asked about few of them"
)


def too_much(what: str, most_ns: float) -> str | None:
    """Why a section cannot be loaded; None where it can."""
    if most_ns <= MOST_MS * 1e6:
        return None
    return f"{what} could hold the proxy for {most_ns / 1e6:,.0f} ms of one request (at most {MOST_MS:g} ms); {_MEND}"


def much(what: str, most_ns: float) -> str | None:
    """What `check` says of a section that can be loaded and takes long; None where it does not."""
    if most_ns <= TOLD_FROM_MS * 1e6:
        return None
    return f"{what} could hold the proxy for {most_ns / 1e6:,.0f} ms of one request; {_MEND}"
