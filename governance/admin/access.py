"""Who may look: a dependency made from what the proxy knows of its callers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Depends


def only(authenticate: Callable[..., Any], require: Callable[[Any], None]) -> Callable[..., Any]:
    """A dependency that lets in whom `require` does not turn away.

    Args:
        authenticate: a FastAPI dependency of the proxy that says who calls, and raises when it cannot.
        require: is given what `authenticate` said; raises NotDone.
    """

    async def admitted(caller: Any = Depends(authenticate)) -> None:  # noqa: B008 - FastAPI reads it there
        require(caller)

    return admitted
