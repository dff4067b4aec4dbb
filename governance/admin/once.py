"""The header Idempotency-Key: what is asked for under a key is done once, and answered alike for 24 hours."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timezone
from functools import partial
from typing import Any, Final

from fastapi import Request, Response

from governance.admin.access import author_of
from governance.admin.administered import Administered
from governance.admin.answered import KEEPS_ANSWER, AnsweredBefore, NotDone
from governance.model.errors import StoreUnavailable
from governance.usecases.once import Another, Answered, Asked, InProgress, begin, finish, forget

log = logging.getLogger("governance.admin")

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST: Final = 255
_KEPT_HEADERS: Final = ("content-type", "etag")


def once(of: Administered) -> Callable[[Request], Coroutine[Any, Any, None]]:
    """A dependency that comes after the one that says who calls.

    Source: draft-ietf-httpapi-idempotency-key-header-07.
    """

    async def only_once(request: Request) -> None:
        key = request.headers.get("idempotency-key")
        if key is None or request.method in _SAFE:
            return
        if not 0 < len(key) <= _LONGEST or not key.isprintable():
            raise NotDone(400, "invalid_request", f"idempotency-key: must have 1 to {_LONGEST} characters")
        asked = await _asked(request, key)
        found = await of.policies.ask(partial(begin, asked=asked, now=datetime.now(timezone.utc)))
        if isinstance(found, Another):
            message = "something else was asked for under this idempotency-key; use a new one"
            raise NotDone(422, "key_reused", message)
        if isinstance(found, InProgress):
            message = "what was asked for under this idempotency-key is being done; ask again for its answer"
            raise NotDone(409, "in_progress", message, {"retry-after": "1"})
        if isinstance(found, Answered):
            headers = {**found.headers, "idempotency-replayed": "true"}
            raise AnsweredBefore(Response(found.body, found.status, headers))
        setattr(request.state, KEEPS_ANSWER, partial(_keep, of, asked))

    return only_once


async def _asked(request: Request, key: str) -> Asked:
    name, kind, _ = author_of(request)
    digest = hashlib.sha256()
    for part in (
        request.method,
        request.url.path,
        request.url.query,
        request.headers.get("if-match", ""),
        request.headers.get("content-type", ""),
    ):
        digest.update(f"{len(part)}:{part}\n".encode("utf-8", "surrogatepass"))
    digest.update(await request.body())
    return Asked(f"{kind}:{name}", key, digest.hexdigest())


async def _keep(of: Administered, asked: Asked, answer: Response) -> None:
    """Keep it for whoever asks again; what may go well the next time is forgotten."""
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    kept = Answered(answer.status_code, headers, bytes(answer.body).decode("utf-8", "replace"))
    done = partial(forget, asked=asked) if kept.status >= 500 else partial(finish, asked=asked, answer=kept)
    try:
        await of.policies.ask(done)
    except StoreUnavailable as error:
        log.warning("an answer could not be kept for its idempotency-key: %s", error)
