"""Mounts the admin's pages on LiteLLM's app, behind LiteLLM's own keys."""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from litellm.proxy import proxy_server
from litellm.proxy._types import LitellmUserRoles
from litellm.proxy.auth.user_api_key_auth import user_api_key_auth

from governance.admin.access import only
from governance.admin.answered import NotDone
from governance.admin.on_demand import OnDemand
from governance.admin.polled import PATHS, polled_router

if TYPE_CHECKING:
    from governance.proxy.logging_in import Behind

log = logging.getLogger("governance.proxy")

# How LiteLLM refuses a key that it knows (proxy/auth/route_checks.py); it has no other sign of it.
_ADMINS_ONLY: Final = "only proxy admin"
_NOT_FOR_VIEWERS: Final = "user not allowed to access this route, role= proxy_admin_viewer"
# Whose the master key is (constants.py, LITELLM_PROXY_ADMIN_NAME).
_MASTER_KEYS_USER: Final = "default_user_id"


def _forbidden() -> NotDone:
    message = "for proxy admins only: use the master key, or a key with the role proxy_admin"
    return NotDone(403, "admin_required", message)


def mount_admin(of: Behind) -> None:
    """Serve /governance to this proxy's admins, and its pages.

    Possible while the app starts, which is when callbacks are imported.
    """
    app = proxy_server.app
    admin, viewer = only(_who_calls, _require_admin, _name_of), only(_who_calls, _require_viewer, _name_of)

    def pages() -> tuple[Any, ...]:
        from governance.admin.router import admin_router
        from governance.pages import pages_router
        from governance.proxy.logging_in import identifying

        return admin_router(of, admin, viewer), pages_router(of, identifying(of, verifies_keys, _name_of))

    app.include_router(polled_router(of, admin))
    OnDemand(app, pages, under=("/governance", "/api/governance"), besides=PATHS, describing=app.openapi_url)


def verifies_keys() -> bool:
    """Whether LiteLLM checks who calls. Without any of these it lets everybody in as whoever they say they are."""
    return bool(proxy_server.master_key or proxy_server.user_custom_auth or proxy_server.prisma_client)


@wraps(user_api_key_auth)  # FastAPI reads from the signature which headers may hold a key
async def _who_calls(*args: Any, **named: Any) -> Any:
    try:
        return await user_api_key_auth(*args, **named)
    except Exception as error:
        # LiteLLM without the packages for its database fails over its own refusals; whatever it is, nobody gets in.
        reasons: list[str] = []
        reason: BaseException | None = error
        while isinstance(reason, Exception) and len(reasons) < 10:
            reasons.append(str(getattr(reason, "message", reason)).lower())
            reason = reason.__cause__ or reason.__context__
        if str(getattr(error, "code", "")) == "503":
            raise  # its database does not answer, which says nothing of the key
        # A viewer who writes is turned away by LiteLLM itself (_check_proxy_admin_viewer_access).
        if any(_ADMINS_ONLY in text or _NOT_FOR_VIEWERS in text for text in reasons):
            raise _forbidden() from None
        log.info("a caller of /governance is not known: %s", type(error).__name__)
        raise NotDone(401, "key_required", "no key, or one that this proxy does not know: use an admin's key") from None


def _require_viewer(caller: Any) -> None:
    if getattr(caller, "user_role", None) != LitellmUserRoles.PROXY_ADMIN_VIEW_ONLY or not verifies_keys():
        _require_admin(caller)


def _name_of(caller: Any) -> tuple[str, str]:
    """Whom the audit names: a user, else a key, else whoever has the master key."""
    for kind, name in (("user", "user_email"), ("user", "user_id"), ("key", "key_alias")):
        found = getattr(caller, name, None)
        if found and found != _MASTER_KEYS_USER:
            return str(found), kind
    return "master key", "admin"


def _require_admin(caller: Any) -> None:
    if not verifies_keys():
        raise NotDone(
            403,
            "admin_required",
            "this proxy verifies no keys, so nobody is its admin; give it general_settings.master_key "
            "(LITELLM_MASTER_KEY), custom_auth or database_url",
        )
    if getattr(caller, "user_role", None) != LitellmUserRoles.PROXY_ADMIN:
        raise _forbidden()
