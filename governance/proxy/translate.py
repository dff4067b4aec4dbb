"""LiteLLM's words to ours on the way in, and a decision to LiteLLM's request on the way out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from litellm.proxy._types import ProxyException, UserAPIKeyAuth

from governance.engine.decision import Decision
from governance.intake.read import read_request, verified_tags
from governance.model import Identity, Models, Refusal, Request
from governance.model.printable import printable
from governance.model.vocabulary import request_type
from governance.proxy.body import merged
from governance.proxy.held import opened

# A pass-through to a model of the router's list, by way of the router: its body stands in LiteLLM's own.
RELAYED: Final = "allm_passthrough_route"
# Under this key of the request's metadata the decision's id travels through LiteLLM.
MARKER: Final = "governance_decision_id"

_MASTER_KEY: Final = "litellm_proxy_master_key"
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_HOP_SETTINGS: Final = (
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "num_retries",
    "model_group_retry_policy",
)

_SECRET_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-litellm-api-key", "cookie"}
)
# LiteLLM asks streams of these for their usage only when it knows the model's name before our hook runs.
_USAGE_ON_REQUEST: Final = frozenset({"chat", "completion"})
_ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
    503: "service_unavailable_error",
}


def identity_of(auth: UserAPIKeyAuth) -> Identity:
    """Who asks, by what the proxy verified and nothing else."""
    key = auth.token or auth.api_key or ""
    if key and key != _MASTER_KEY and not _HASH.fullmatch(key):
        # LiteLLM hashes only keys that begin with `sk-`; custom auth and OAuth may hand on the secret itself.
        key = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return Identity(
        virtual_key_id=key,
        virtual_key_name=auth.key_alias or "",
        user_id=auth.user_id or "",
        team_id=auth.team_id or "",
        team_name=auth.team_alias or "",
        customer_id=auth.org_id or "",
        customer_name=getattr(auth, "organization_alias", None) or "",
        end_user_id=auth.end_user_id or "",
        metadata={**(auth.team_metadata or {}), **(auth.metadata or {})},
        # LiteLLM makes `inherited_tags` of them, but where a body has two kinds of metadata a caller may write those.
        tags=verified_tags(auth.metadata, auth.team_metadata, getattr(auth, "project_metadata", None)),
    )


# Under these keys LiteLLM keeps what it knows of a request.
BUCKETS: Final = ("litellm_metadata", "metadata")


def buckets(data: Mapping[str, Any]) -> list[Any]:
    """The metadata that LiteLLM carries along: under which of the two keys depends on the endpoint."""
    return [marks for marks in map(data.get, BUCKETS) if isinstance(marks, Mapping)]


def request_from(data: dict[str, Any], call_type: str, identity: Identity, models: Models) -> Request | None:
    """The normalised request; None for what no policy is about (files, batches, MCP, requests without a model)."""
    if request_type(call_type) is None:
        return None
    # A pass-through names its model where it likes, often in the path.
    if call_type != "pass_through_endpoint" and not (isinstance(data.get("model"), str) and data["model"]):
        return None
    body, headers = sent(data)
    if call_type == RELAYED:
        inner = data.get("data")
        body = inner if isinstance(inner, Mapping) else {}
    return read_request(
        call_type,
        {**merged(body), **opened(body), "model": data.get("model")},
        identity=identity,
        headers=open_headers(headers),
        tags=_tags(data),
        models=models,
    )


def tame(data: dict[str, Any]) -> None:
    """Leave of a refused model's name what can stand in a header: LiteLLM 1.110 writes it there, and answers nothing at
    all where it cannot.
    """
    model = data.get("model")
    if isinstance(model, str):
        data["model"] = "".join(c if " " <= c <= "~" else "?" for c in model)


def sent(data: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Body and headers as the client sent them, not with what LiteLLM has added to them since."""
    request = data.get("proxy_server_request")
    request = request if isinstance(request, dict) else {}
    body, headers = request.get("body"), request.get("headers")
    return body if isinstance(body, dict) else data, headers if isinstance(headers, Mapping) else {}


def _tags(data: Mapping[str, Any]) -> tuple[str, ...]:
    """What the request is tagged with: the caller's words, among those that LiteLLM took from its key and team."""
    found: dict[str, None] = {}
    for marks in buckets(data):
        tags = marks.get("tags")
        if isinstance(tags, list):
            found.update((tag, None) for tag in tags if isinstance(tag, str))
    return tuple(found)


def rewrite(data: dict[str, Any], decision: Decision, *, pinned: bool = False) -> None:
    """Make LiteLLM do what was decided.

    Args:
        pinned: the caller brought credentials; no target but the first may see them.
    """
    if decision.target is None:
        return
    names = [] if pinned else [decision.call_name(target) for target in decision.fallbacks]
    if decision.outcome == "pass" and not pinned:
        if tuple(names) != decision.trace.request.fallbacks:
            data["fallbacks"] = names
        return
    data["model"] = decision.call_name(decision.target)
    for name in _HOP_SETTINGS:
        data.pop(name, None)
    if isinstance(data.get("router_settings_override"), dict):
        # LiteLLM would fill in what is missing from these, the settings of a key or team.
        kept = {k: v for k, v in data["router_settings_override"].items() if k not in _HOP_SETTINGS}
        data["router_settings_override"] = kept
    # An empty list also switches off the router's own fallbacks, which no policy has seen.
    data["fallbacks"] = names
    # LiteLLM would try each target three times, seconds apart, before the next one.
    data["num_retries"] = 0
    if decision.request.streaming and decision.request.request_type in _USAGE_ON_REQUEST:
        _ask_for_usage(data)


class Refused(ProxyException):
    """A refusal on its way to the caller; LiteLLM puts it into the shape of whichever API was called."""

    def __init__(self, status: int, **kwargs: Any) -> None:
        super().__init__(code=status, **kwargs)
        # The transcription endpoint looks here, and would answer 500.
        self.status_code = status


def mark(data: dict[str, Any], decision_id: str | None) -> None:
    """Put the id of the decision into all metadata of a request, over whatever a client may have put there."""
    for marks in buckets(data) or [data.setdefault("metadata", {})]:
        if decision_id is not None:
            marks[MARKER] = decision_id
        else:
            marks.pop(MARKER, None)
        # LiteLLM sets this on copies of a request, later; in what a client sends it would hide the request from us.
        marks.pop("is_silent_experiment", None)


def has_own_credentials(data: Mapping[str, Any]) -> bool:
    """Whether the caller brought credentials for the provider: their failures say nothing of the target."""
    if data.get("api_key") or data.get("api_base") or data.get("base_url"):
        return True
    if not (data.get("extra_headers") or data.get("headers") or data.get("provider_specific_header")):
        return False
    found = [data.get("extra_headers"), data.get("headers"), *_headers_for_providers(data)]
    return any(
        str(name).lower() in _SECRET_HEADERS for headers in found if isinstance(headers, Mapping) for name in headers
    )


def has_own_timeout(data: Mapping[str, Any]) -> bool:
    """Whether the caller said how long to wait, in the body or in a header."""
    return not (data.get("timeout") is data.get("stream_timeout") is data.get("request_timeout") is None)


def _headers_for_providers(data: Mapping[str, Any]) -> list[Any]:
    """What LiteLLM sends on to some providers only, of the headers of the call or of `provider_specific_header`."""
    given = data.get("provider_specific_header")
    entries = given if isinstance(given, list) else [given]
    return [entry.get("extra_headers") for entry in entries if isinstance(entry, Mapping)]


def exception_from(refusal: Refusal, decision_id: str, headers: dict[str, str]) -> Refused:
    """The HTTP answer of a refusal."""
    particulars: dict[str, Any] = {"code": refusal.code, "decision_id": decision_id}
    if refusal.limit is not None:
        particulars["limit"] = refusal.limit
    if refusal.retry_after_s is not None:
        particulars["retry_after_s"] = refusal.retry_after_s
    return Refused(
        refusal.status,
        message=printable(refusal.message),  # LiteLLM logs it as it is
        type=_ERROR_TYPES.get(refusal.status, "invalid_request_error"),
        param="model",
        headers=headers,
        provider_specific_fields=particulars,
    )


def asked_for_usage(of: str, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any] | None:
    """Google's streams reach an OpenAI-like target as a chat for whose usage nobody has asked yet.

    Args:
        of: LiteLLM's name for what the caller asks.
        call_type: and for what the provider is asked.
    """
    if not of.startswith("agenerate_content") or getattr(call_type, "value", call_type) != "acompletion":
        return None
    if not kwargs.get("stream"):
        return None
    return {**kwargs, "stream_options": {**(kwargs.get("stream_options") or {}), "include_usage": True}}


def _ask_for_usage(data: dict[str, Any]) -> None:
    options = data.get("stream_options")
    options = dict(options) if isinstance(options, dict) else {}
    if not options.get("include_usage"):
        data["stream_options"] = {**options, "include_usage": True}
        # LiteLLM keeps the extra chunk from the client of a chat; for completions our stream hook does.
        data["_litellm_strip_stream_usage"] = True


def open_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Those that hold no secret."""
    return {str(k): v for k, v in headers.items() if str(k).lower() not in _SECRET_HEADERS}
