"""Who may look: a dependency made from what the proxy knows of its callers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Depends, Request

from governance.usecases.noted import Author


def only(
    authenticate: Callable[..., Any],
    require: Callable[[Any], None],
    author: Callable[[Any], tuple[str, str]] = lambda caller: ("", "key"),
) -> Callable[..., Any]:
    """A dependency that lets in whom `require` does not turn away.

    Args:
        authenticate: a FastAPI dependency of the proxy that says who calls, and raises when it cannot.
        require: is given what `authenticate` said; raises NotDone.
        author: the name of a caller, and what kind of name it is; pages find it by `author_of`.
    """

    async def admitted(request: Request, caller: Any = Depends(authenticate)) -> None:  # noqa: B008 - FastAPI reads it there
        require(caller)
        request.state.governance_author = author(caller)

    return admitted


def author_of(request: Request) -> Author:
    """Who calls, as the audit names them."""
    name, kind = request.state.governance_author
    return Author(name, kind, request.headers.get("x-request-id", ""))
