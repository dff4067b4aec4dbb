"""Every reason and refusal code: the closed list that records, answers, metrics and policy tests speak in."""

from __future__ import annotations

from typing import Final

from governance.model import Unit

# --- why a target may not serve, in the order in which it is found out -------------------------------------------

TARGET_DISABLED: Final = "target_disabled"
"""The policy switches the target off."""
VIRTUAL_MODEL_MISMATCH: Final = "virtual_model_mismatch"
"""The target belongs to another alias of the profile."""
REQUEST_TYPE_MISMATCH: Final = "request_type_mismatch"
"""The target does not serve this type of request."""
DRAINED: Final = "drained"
"""An admin keeps new requests away from the target (overlay). As a refusal, 503: nothing else is left."""
CAPABILITY_MISMATCH: Final = "capability_mismatch"
"""The target lacks something that the request needs."""
CONTEXT_WINDOW_EXCEEDED: Final = "context_window_exceeded"
"""The prompt is longer than the model takes."""
OUTPUT_LIMIT_EXCEEDED: Final = "output_limit_exceeded"
"""The answer that the request allows is longer than the model makes."""
LABEL_MISMATCH: Final = "label_mismatch"
"""No deployment of the target has the labels that are required, or nobody knows. As a refusal, 403: nothing that may
serve the request has them."""
NOT_CONFIGURED: Final = "not_configured"
"""LiteLLM has no such model."""
RETIRED: Final = "retired"
"""Its provider does not serve the model any more at the time of the request, by the catalogue."""
UNPRICED: Final = "unpriced"
"""A money limit applies, and no price of the model is known."""
PRICE_TOO_HIGH: Final = "price_too_high"
"""The target is dearer for this request than its profile's `max_price`."""
MODEL_NOT_ALLOWED: Final = "model_not_allowed"
"""The caller's key may not use this model (policy: `grant: targets`, or `models` and `denied_models` of a key). As a
refusal, 403: the key may not ask for it."""
CONVERSATION_ELSEWHERE: Final = "conversation_elsewhere"
"""The target does not have what the request refers to: an earlier response, a container, a file, a key. As a refusal,
409: who has it cannot serve, and nobody else can go on."""
COOLING_DOWN: Final = "cooling_down"
"""The target failed lately and is left alone for a while."""
RETRY_BUDGET_EXHAUSTED: Final = "retry_budget_exhausted"
"""Of an attempt that was skipped: too many extra attempts lately, and this target mostly fails too."""
REQUESTS_EXHAUSTED: Final = "requests_exhausted"
TOKENS_EXHAUSTED: Final = "tokens_exhausted"
COST_EXHAUSTED: Final = "cost_exhausted"
CONCURRENCY_EXHAUSTED: Final = "concurrency_exhausted"
"""A window of the target (or of the caller) has no room for this request."""

TARGET_REASONS: Final = (
    TARGET_DISABLED,
    VIRTUAL_MODEL_MISMATCH,
    REQUEST_TYPE_MISMATCH,
    DRAINED,
    CAPABILITY_MISMATCH,
    CONTEXT_WINDOW_EXCEEDED,
    OUTPUT_LIMIT_EXCEEDED,
    LABEL_MISMATCH,
    NOT_CONFIGURED,
    RETIRED,
    UNPRICED,
    PRICE_TOO_HIGH,
    MODEL_NOT_ALLOWED,
    CONVERSATION_ELSEWHERE,
    COOLING_DOWN,
    REQUESTS_EXHAUSTED,
    TOKENS_EXHAUSTED,
    COST_EXHAUSTED,
    CONCURRENCY_EXHAUSTED,
)

# --- why a request is refused; besides these, the four `…_exhausted`, COOLING_DOWN, DRAINED ----------------------

NO_ELIGIBLE_TARGET: Final = "no_eligible_target"
"""400: no target of the profile can serve this request, now or later."""
VIRTUAL_KEY_REQUIRED: Final = "virtual_key_required"
"""401: the policy asks for a virtual key and the request has none."""
ACCESS_NOT_FOUND: Final = "access_not_found"
"""401: no key was sent, or one that the policy does not know."""
ACCESS_BLOCKED: Final = "access_blocked"
"""403: the key is switched off, has expired, or may not use this endpoint."""
ENDPOINT_NOT_GOVERNED: Final = "endpoint_not_governed"
"""403: nothing counts what this endpoint uses, and a limit or a list of models applies to the caller (policy:
`access.ungoverned`)."""
LEDGER_UNAVAILABLE: Final = "ledger_unavailable"
"""503: limits cannot be checked now."""
FIELD_NOT_ALLOWED: Final = "field_not_allowed"
"""400: the body or the headers have a field that is not for callers to say, or one of a type that it cannot have."""
REFUSED_BY_RULE: Final = "refused_by_rule"
"""A routing rule with `refuse` matched; the rule says with which status."""
PLUGIN_ERROR: Final = "plugin_error"
"""503: a plugin failed whose word is needed."""

_EXHAUSTED: Final[dict[Unit, str]] = {
    "requests": REQUESTS_EXHAUSTED,
    "tokens": TOKENS_EXHAUSTED,
    "input_tokens": TOKENS_EXHAUSTED,
    "output_tokens": TOKENS_EXHAUSTED,
    "usd_micros": COST_EXHAUSTED,
    "concurrent": CONCURRENCY_EXHAUSTED,
}


def exhausted(unit: Unit) -> str:
    """The code for a full window of this unit."""
    return _EXHAUSTED[unit]
