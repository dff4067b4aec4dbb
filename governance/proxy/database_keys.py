"""Keys of LiteLLM's database beside those of the policy.

With `custom_auth` in its configuration, LiteLLM looks up no key of its own and checks no budget of its own. So where
there is a database, LiteLLM goes on without custom auth, and a key of the policy is recognised before LiteLLM looks.
Without a master key LiteLLM would then let in everybody, so there it keeps custom auth.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

from litellm.proxy import proxy_server
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.auth import user_api_key_auth as auth
from litellm.proxy.auth.auth_utils import get_request_route
from starlette.requests import Request

from governance.proxy.keyholder import Keyholder

_HEADERS: Final = (
    *("custom_litellm_key_header", "api_key", "azure_api_key_header", "anthropic_api_key_header"),
    *("google_ai_studio_api_key_header", "azure_apim_header"),
)

CustomAuth = Callable[[Request, str | None], Awaitable[UserAPIKeyAuth]]


def beside_database(custom_auth: CustomAuth, known: Callable[[str], bool]) -> None:
    """Let LiteLLM answer for every key but the policy's, where it has a database.

    Args:
        custom_auth: the one that is configured.
        known: whether a key is the policy's, be it withdrawn or expired.
    """
    by_litellm, checked = auth.user_api_key_auth_builder, auth.run_centralized_common_checks
    aside = False  # custom auth is configured, and LiteLLM does not know it any more

    @wraps(by_litellm)
    async def built(request: Request, *args: Any, **kwargs: Any) -> UserAPIKeyAuth:
        nonlocal aside
        if proxy_server.user_custom_auth is custom_auth and proxy_server.prisma_client and proxy_server.master_key:
            proxy_server.user_custom_auth, aside = None, True
        if aside and not proxy_server.master_key:
            proxy_server.user_custom_auth, aside = custom_auth, False
        if aside:
            key = _sent(request, kwargs)
            if known(key):
                return (await custom_auth(request, key)).model_copy()
        return await by_litellm(request, *args, **kwargs)

    @wraps(checked)
    async def checked_unless_ours(user_api_key_auth_obj: UserAPIKeyAuth, *args: Any, **kwargs: Any) -> None:
        # As with custom auth: LiteLLM has no user, team or budget of a key of the policy to check.
        run = (proxy_server.general_settings or {}).get("custom_auth_run_common_checks", False)
        if run or not isinstance(user_api_key_auth_obj, Keyholder):
            await checked(user_api_key_auth_obj, *args, **kwargs)

    auth.user_api_key_auth_builder = built
    auth.run_centralized_common_checks = checked_unless_ours


def _sent(request: Request, sent: dict[str, Any]) -> str:
    """The key of a request, from the header that LiteLLM would take it from."""
    settings = proxy_server.general_settings or {}
    header = settings.get("litellm_key_header_name")
    if header is not None and header in request.headers:
        found: str = auth.get_api_key_from_custom_header(request=request, custom_litellm_key_header_name=header)
        return found
    headers: dict[str, Any] = {name: sent.get(name) for name in _HEADERS}
    key, _ = auth.get_api_key(
        pass_through_endpoints=settings.get("pass_through_endpoints"),
        route=get_request_route(request=request),
        request=request,
        **headers,
    )
    return key or ""
