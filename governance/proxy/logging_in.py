"""Who a key is that somebody logs in to the pages with, as LiteLLM verifies it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth
from litellm.proxy.auth.user_api_key_auth import user_api_key_auth
from starlette.requests import Request

from governance.admin.administered import Administered
from governance.pages.holder import Holder, Identify, Role
from governance.pages.not_shown import NotShown
from governance.proxy.translate import identity_of
from governance.usecases.noted import Author

log = logging.getLogger("governance.proxy")

# What an admin or a viewer may open, and what every key may.
_ASKED_AS: Final = ("/governance/ui", "/v1/models")
_ROLES: Final[dict[Any, Role]] = {
    LitellmUserRoles.PROXY_ADMIN: "admin",
    LitellmUserRoles.PROXY_ADMIN_VIEW_ONLY: "viewer",
}

_MOST_NAMES: Final = 1_000


class Behind(Administered, Protocol):
    """A worker that knows what a key may call."""

    def may_call(self, auth: Any, digest: str) -> Callable[[str], Awaitable[bool]]:
        """Whether this caller may ask for a model."""


def identifying(of: Behind, verifies_keys: Callable[[], bool], name_of: Callable[[Any], tuple[str, str]]) -> Identify:
    """Who a key is, for the pages.

    Args:
        verifies_keys: whether LiteLLM checks who calls at all.
        name_of: whom the audit names, and what kind of name that is.
    """

    async def identify(request: Request, key: str) -> Holder:
        if not verifies_keys():
            message = "this proxy verifies no keys, so nobody can log in; give it general_settings.master_key"
            raise NotShown(403, message)
        auth = await _verified(request, key)
        name, kind = name_of(auth)
        identity = identity_of(auth)
        may_call = of.may_call(auth, identity.virtual_key_id)

        async def models() -> Sequence[str]:
            return [name for name in of.models.offered()[:_MOST_NAMES] if await may_call(name)]

        return Holder(_ROLES.get(auth.user_role, "holder"), Author(name, kind), identity, models)

    return identify


async def _verified(request: Request, key: str) -> UserAPIKeyAuth:
    for path in _ASKED_AS:
        try:
            # As LiteLLM itself asks for a WebSocket (proxy/auth/user_api_key_auth.py).
            found: UserAPIKeyAuth = await user_api_key_auth(
                request=_asking(request, path, key), api_key=f"Bearer {key}"
            )
        except Exception as error:  # LiteLLM refuses with errors of many kinds, and without a database over its own
            if str(getattr(error, "code", "")) == "503":
                raise NotShown(503, "the proxy's database does not answer; try again") from None
            log.debug("a key may not open %s: %s", path, type(error).__name__)
        else:
            if path != _ASKED_AS[0] or found.user_role in _ROLES:
                return found
    log.info("a key that is not known, or may use nothing, asked to log in")
    raise NotShown(401, "this proxy does not know that key, or it lets nobody in any more")


def _asking(request: Request, path: str, key: str) -> Request:
    """A request of this caller with that key, for what it wants to open."""
    kept = {
        name: request.scope[name]
        for name in ("app", "client", "server", "scheme", "root_path")
        if name in request.scope
    }
    try:
        header = f"Bearer {key}".encode("latin-1")
    except UnicodeEncodeError:
        raise NotShown(401, "this proxy does not know that key") from None
    scope = {
        **kept,
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"authorization", header)],
        "path_params": {},
        "state": {},
    }
    return Request(scope, _nothing)


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}
