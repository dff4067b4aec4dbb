"""Which of LiteLLM's endpoints are governed, which cost nothing, and what the others are called.

By the path, and not by LiteLLM's names for it: not every endpoint asks its callbacks before it asks a provider.
Seen in 1.106-1.110.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from litellm.proxy._types import LiteLLMRoutes
from litellm.proxy.auth.route_checks import RouteChecks

from governance.model.vocabulary import request_type
from governance.policy.ungoverned import OTHER


class Endpoint(NamedTuple):
    """What becomes of a request to an endpoint.

    Args:
        name: in `access.ungoverned`; None where nothing has to be allowed.
        decided: LiteLLM asks our hook about it, with a call type that is governed.
    """

    name: str | None
    decided: bool = False


DECIDED: Final = Endpoint(None, decided=True)
FREE: Final = Endpoint(None)

_DECIDED: Final = re.compile(
    r"(/v1|/v2|/openai/v1|/cursor|/claude_code_gateway/v1|/engines/.+|/openai/deployments/.+)?"
    r"/(chat/completions|completions|embeddings|moderations|rerank|responses(/compact)?|messages|ocr|videos"
    r"|images/(generations|edits)|audio/(speech|transcriptions))"
    r"|(/v1beta)?/models/.+:(generateContent|streamGenerateContent)"
)
# What only counts or rewrites a request. Source: RouteChecks._UNBILLED_ROUTES of 1.110, and the providers' prices.
_COUNTING: Final = re.compile(
    r".*(/count_tokens|/count-tokens|:countTokens|/responses/input_tokens|/utils/(token_counter|transform_request))"
)
# Our own pages, what LiteLLM keeps in its own database, and tools without a model that have access rules of their own.
_LOCAL: Final = re.compile(
    r"(/v1)?/(traces|logs|memory|tool|mcp)(/.*)?|/mcp(-rest)?(/.*)?|/[^/]+/mcp|/(introspect|token)"
    r"|/(skill-hub|claude-code|governance)(/.*)?|/api/event_logging(/.*)?"
)
_NAMES: Final[dict[str, re.Pattern[str]]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "realtime": r"(/v1|/openai/v1)?/(realtime|live)(/.*)?",
        "batches": r"(/v1|/[^/]+/v1)?/batches(/.*)?|.*/messages/batches|.*:batch\w+|.*/batchPredictionJobs",
        "files": r"(/v1|/[^/]+/v1)?/files(/.*)?",
        "videos": r"(/v1)?/videos(/.*)?",
        # LiteLLM's router asks these by itself, without a hook, and goes on without a deployment where none may serve.
        "model_pass_through": r"/(vllm|azure|azure_ai|nvidia_nim)/.*",
        "interactions": r"(/v1beta)?/interactions(/.*)?",
        "containers": r"(/v1)?/containers(/.*)?",
        "vector_stores": r"(/v1)?/(vector_stores?|indexes)(/.*)?",
        "rag": r"(/v1)?/rag/.*",
        "search": r"(/v1)?/search(/.*)?",
        "assistants": r"(/v1)?/(assistants|threads)(/.*)?",
        "fine_tuning": r"(/v1)?/fine_tuning/.*",
        "evals": r"(/v1)?/evals(/.*)?",
        "skills": r"(/v1)?/skills(/.*)?",
        "agents": r"(/v1|/v1beta)?/(agents?|a2a)(/.*)?",
        "decisions": r"(/v1)?/(decisions|systemone|extraction)",
        "guardrails": r"(/guardrails)?/apply_guardrail",
        "prompts": r"/prompts/test",
        "queue": r"/queue/.*",
        "health": r"/health(/test_connection|/services)?",
    }.items()
}
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
# Where reading is not free: a probe asks every model.
_NEVER_FREE: Final = frozenset({"realtime", "health"})
_ENDS: Final = re.compile(r".+/cancel")
# Neither an API of models nor a page whose callers LiteLLM checks by its own lists. Allowed as `other`.
UNKNOWN_PAGE: Final = "unknown page"
# What the proxy's admins do to run it.
_OF_ADMINS: Final = frozenset({"health", "prompts", "guardrails", UNKNOWN_PAGE})
_LONGEST_KNOWN: Final = 200

_CALL_TYPES: Final = {
    "/chat/completions": "acompletion",
    "/messages": "anthropic_messages",
    "/images/generations": "aimage_generation",
    "/images/edits": "aimage_edit",
    "/audio/transcriptions": "atranscription",
    "/audio/speech": "aspeech",
    "/videos": "avideo_generation",
    "/ocr": "aocr",
}

# LiteLLM's words for what its hook asks about beside requests: what lists, looks up or ends something, and tools of MCP
# servers, which are no models and have access rules of their own.
_FREE_CALLS: Final = re.compile(
    r"_?a?(get|list|retrieve|delete|cancel)_\w+|a?file_(content|retrieve|delete|list)|a?video_(status|list|content)"
    r"|a?vector_store_(list|retrieve|delete|file_(list|retrieve|content|delete))|(call|list)_mcp_\w+|mcp_\w+"
    r"|a?video_get_character|a?retrieve_container_file_content"
)
_NAME_OF_CALL: Final = re.compile(
    r"(?P<videos>a?video_)|(?P<interactions>a?create_interaction)|(?P<containers>\w*container)"
    r"|(?P<vector_stores>a?vector_store)|(?P<batches>a?create_batch)"
    r"|(?P<files>a?create_file)|(?P<fine_tuning>a?create_fine_tuning)|(?P<realtime>_?a?(realtime|responses_websocket)"
    r"|a?create_realtime)|(?P<search>a?search)|(?P<model_pass_through>a?llm_passthrough)|(?P<agents>a?send_message)"
    r"|(?P<evals>a?(create|update)_(eval|run))|(?P<skills>a?create_skill)|(?P<rag>a?(ingest|query)$)"
    r"|(?P<decisions>a?(decisions|systemone|extraction))"
)


_PASSED_THROUGH: Final = tuple(f"{prefix}/" for prefix in LiteLLMRoutes.mapped_pass_through_routes.value)


def is_passed_through(route: str) -> bool:
    """Whether this is below one of the paths that LiteLLM passes on to a provider."""
    return route.startswith(_PASSED_THROUGH)


def endpoint_of(method: str, route: str, *, websocket: bool = False, admin: bool = False) -> Endpoint:
    """What becomes of a request, by where it goes.

    Args:
        route: the path without the proxy's root.
        websocket: what is said on it, nobody hears.
        admin: of the proxy itself, whose pages are not in question.
    """
    if websocket:
        return Endpoint("realtime")
    found = (_known if len(route) <= _LONGEST_KNOWN else _known.__wrapped__)(method, route)
    return FREE if admin and found.name in _OF_ADMINS else found


@lru_cache(maxsize=1024)
def _known(method: str, route: str) -> Endpoint:
    if method == "POST" and _DECIDED.fullmatch(route):
        return DECIDED
    if _COUNTING.fullmatch(route) or _LOCAL.fullmatch(route):
        return FREE
    reads = method in _READS or _ENDS.fullmatch(route) is not None
    name = _name(route)
    if name is not None:
        return FREE if reads and name not in _NEVER_FREE else Endpoint(name)
    if is_passed_through(route):
        # A provider's own path for what nothing counts is no way round.
        beyond = None if reads else _name("/" + route.split("/", 2)[2])
        return Endpoint(beyond) if beyond else DECIDED
    if reads or _administers(route):
        return FREE
    return Endpoint(OTHER if RouteChecks.is_llm_api_route(route) else UNKNOWN_PAGE)


def _name(route: str) -> str | None:
    return next((name for name, pattern in _NAMES.items() if pattern.fullmatch(route)), None)


def free_call(call_type: str) -> bool:
    """Whether LiteLLM's hook asks about something that uses nothing."""
    return _FREE_CALLS.fullmatch(call_type) is not None


def name_of_call(call_type: str) -> str:
    """The endpoint whose requests LiteLLM calls so."""
    found = _NAME_OF_CALL.match(call_type)
    return (found.lastgroup if found else None) or OTHER


def asks_a_deployment(route: str) -> bool:
    """Whether a free endpoint may send a prompt to a deployment: to have its tokens counted."""
    return _COUNTING.fullmatch(route) is not None


def call_type_of(route: str) -> str:
    """LiteLLM's name for what a decided endpoint is asked, as far as bodies differ by it."""
    return next((call_type for ending, call_type in _CALL_TYPES.items() if route.endswith(ending)), "")


def governed_call(call_type: str) -> bool:
    """Whether requests of this kind are decided."""
    return request_type(call_type) is not None


def _administers(route: str) -> bool:
    """Pages of the proxy, where LiteLLM checks who may see them; no model is asked there."""
    return any(RouteChecks.check_route_access(route=route, allowed_routes=list(routes)) for routes in _PAGES)


_PAGES: Final = tuple(
    getattr(LiteLLMRoutes, name).value
    for name in (
        "management_routes",
        "info_routes",
        "spend_tracking_routes",
        "global_spend_tracking_routes",
        "internal_user_routes",
        "internal_user_view_only_routes",
        "self_managed_routes",
        "org_admin_allowed_routes",
        "ui_routes",
        "public_routes",
    )
    if hasattr(LiteLLMRoutes, name)
)
