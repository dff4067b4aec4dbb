"""LiteLLM's custom auth, by the keys of the policy:
`general_settings: {custom_auth: governance.proxy.auth.user_api_key_auth}`.

Importing this module inside a proxy also installs the callback, where the configuration has not done so already.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

import litellm
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy import proxy_server
from litellm.proxy._types import LiteLLMRoutes, UserAPIKeyAuth
from litellm.proxy.auth.auth_utils import (
    get_model_from_request,
    get_request_route,
    iter_request_fallback_targets,
    request_dispatched_to_pass_through_endpoint,
    request_dispatched_to_provider_pass_through,
)
from litellm.proxy.auth.route_checks import RouteChecks
from litellm.proxy.common_utils.http_parsing_utils import _read_request_body
from starlette.requests import Request

from governance.engine.keyring import may_call, model_refusal
from governance.model import Refusal, codes
from governance.policy.keys import Key
from governance.proxy.database_keys import beside_database
from governance.proxy.gateway import Gateway
from governance.proxy.install import install
from governance.proxy.keyholder import administrator, kept_out, keyholder

_LISTINGS: Final = frozenset({"/models", "/v1/models", *LiteLLMRoutes.model_info_routes.value})
_ONE_LISTED: Final = ("/models/", "/v1/models/")
# Where the one model that answers is the one that body, path or query name. Everywhere else that name may be a decoy:
# what serves is named in a file, an agent, an earlier answer, a later message or the path of a provider's own API.
_NAMING: Final = re.compile(
    r"(/v1|/v2|/openai/v1|/cursor|/claude_code_gateway/v1|/engines/.+|/openai/deployments/.+)?"
    r"/((chat/)?completions|embeddings|moderations|rerank|responses(/compact|/input_tokens)?"
    r"|messages(/count_tokens)?|images/(generations|edits)|audio/(speech|transcriptions)|ocr|videos)"
    r"|(/v1beta)?/models/.+:(generateContent|streamGenerateContent|countTokens)"
    r"|/utils/(token_counter|transform_request)"
)
_BY_QUERY: Final = frozenset({"/realtime", "/v1/realtime", "/openai/v1/realtime"})


async def user_api_key_auth(request: Request, api_key: str | None) -> UserAPIKeyAuth:
    """Let in the master key and the policy's keys.

    Raises:
        Refused: 401 for keys that nobody knows, 403 for those that may not come in, or not ask for this.
    """
    master = proxy_server.master_key
    if master and api_key and secrets.compare_digest(_bytes(api_key), _bytes(master)):
        return administrator(proxy_server.litellm_proxy_admin_name)
    gateway = _gateway()
    key = gateway.keyring.admit(api_key or "", time.time())
    if isinstance(key, Refusal):
        raise kept_out(key)
    route = get_request_route(request)
    if not _is_for_keys(request, route):
        message = f"only proxy admins may use {route[:100]}; key {key.name} may use models and nothing else"
        raise kept_out(Refusal(403, codes.ACCESS_BLOCKED, message))
    if key.restricted:
        refusal = await _model_refusal(key, request, route, gateway)
        if refusal:
            raise kept_out(refusal, "model")
    return keyholder(key)


class ListedModels(CustomLogger):
    """Leaves out of LiteLLM's lists of models what the caller's key may not use."""

    async def async_filter_listed_models(
        self, user_api_key_dict: UserAPIKeyAuth, model_names: Sequence[str]
    ) -> Sequence[str]:
        gateway = _gateway()
        key = gateway.keyring.of(user_api_key_dict.token or "")
        if key is None:
            return model_names
        served = gateway.models.served_to(key.team or "")
        return [name for name in model_names if may_call(key, name, served)]


def _is_for_keys(request: Request, route: str) -> bool:
    # LiteLLM checks who may use which of its pages only where `custom_auth_run_common_checks` is on.
    return (
        RouteChecks.is_llm_api_route(route)
        or _lists_models(request, route)
        or request_dispatched_to_pass_through_endpoint(request)
    )


def _lists_models(request: Request, route: str) -> bool:
    # What it lists is narrowed by `ListedModels`.
    return request.method == "GET" and (route in _LISTINGS or route.startswith(_ONE_LISTED))


async def _model_refusal(key: Key, request: Request, route: str, gateway: Gateway) -> Refusal | None:
    if _lists_models(request, route):
        return None
    body: dict[str, Any] = await _read_request_body(request=request) or {}
    asked = _asked(request, route, body)
    if not asked or not _names_its_model(request, route):
        message = f"key {key.name} may use only some models, and a request to {route[:100]} does not say which it uses"
        return Refusal(403, codes.MODEL_NOT_ALLOWED, message)
    return model_refusal(key, asked, gateway.models.served_to(key.team or ""))


def _names_its_model(request: Request, route: str) -> bool:
    if request_dispatched_to_pass_through_endpoint(request) or request_dispatched_to_provider_pass_through(request):
        return False
    return (request.method == "POST" and _NAMING.fullmatch(route) is not None) or route in _BY_QUERY


def _asked(request: Request, route: str, body: dict[str, Any]) -> list[str]:
    """Every model that a request names, in the body, the path, the query or the headers."""
    found = get_model_from_request(
        request_data=body,
        route=route,
        request_headers=dict(request.headers),
        request_query_params=dict(request.query_params),
        llm_router=proxy_server.llm_router,
        request=request,
    )
    # Where path and body both name one, LiteLLM may go by either.
    named = [*(found if isinstance(found, list) else [found]), *map(request.path_params.get, ("model", "model_name"))]
    asked = [name for name in named if isinstance(name, str) and name]
    targets = [
        target if isinstance(target, str) else target.get("model") for target in iter_request_fallback_targets(body)
    ]
    # LiteLLM asks the model of an `advisor` itself.
    tools = body.get("tools")
    targets += [tool.get("model") for tool in (tools if isinstance(tools, list) else ()) if isinstance(tool, dict)]
    return [*asked, *(name for name in targets if isinstance(name, str))] if asked else []


def _gateway() -> Gateway:
    gateway: Gateway = proxy_server.app.state.governance
    return gateway


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _is_of_policy(key: str) -> bool:
    return _gateway().keyring.knows(key)


install()
litellm.callbacks.append(ListedModels())
beside_database(user_api_key_auth, _is_of_policy)
