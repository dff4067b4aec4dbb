"""What is refused whatever the policy says: names that name no model, and bodies that would steer LiteLLM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from governance.engine.decision import Decision
from governance.model import Refusal, Request, codes
from governance.proxy.body import judge
from governance.proxy.live import PASS_THROUGH
from governance.proxy.translate import RELAYED, sent

SEVERAL_MODELS: Final = Refusal(
    400,
    codes.NO_ELIGIBLE_TARGET,
    "several models in one request cannot be counted one by one; send one request for each model",
)
LONGEST_MODEL: Final = 300
TOO_LONG: Final = Refusal(400, codes.NO_ELIGIBLE_TARGET, f"no model has a name of over {LONGEST_MODEL} characters")
NO_NAME: Final = Refusal(
    400,
    codes.NO_ELIGIBLE_TARGET,
    "ask for models by their names: not by ids of deployments, and without `..`, `%`, `?`, `#` or blanks around them",
)
WHOSE_KEY: Final = Refusal(
    400,
    codes.FIELD_NOT_ALLOWED,
    "a request with provider credentials of its own must ask for a model that one provider alone serves",
)
WHOSE_PLACE: Final = Refusal(
    403,
    codes.LABEL_MISMATCH,
    "labels are required of what serves this request, and nobody knows those of an account or address that it brings",
)
NOT_ROUTABLE: Final = Refusal(
    400,
    codes.NO_ELIGIBLE_TARGET,
    "a pass-through request goes where its path says and cannot be routed; ask for a virtual model on /v1/… instead",
)


def misused(
    request: Request, data: Mapping[str, Any], call_type: str, is_name: Callable[[str], bool]
) -> Refusal | None:
    """Why a request is not even decided; None for one that may be.

    Args:
        data, call_type: as LiteLLM hands them over.
        is_name: whether models are asked for like this.
    """
    passed_through = call_type == PASS_THROUGH
    # Of a body that goes to its provider as it is, LiteLLM obeys nothing.
    if not passed_through and call_type != RELAYED and isinstance(data.get("proxy_server_request"), dict):
        body, headers = sent(data)
        refusal = judge(body, headers, call_type)
        if refusal:
            return refusal
    if call_type == "acompletion" and "," in request.model:
        return SEVERAL_MODELS
    if len(request.model) > LONGEST_MODEL:
        return TOO_LONG
    if not passed_through and not all(map(is_name, (request.model, *request.fallbacks))):
        return NO_NAME
    return None


def unfit(decision: Decision, call_type: str, own_credentials: bool) -> Refusal | None:
    """Why a request cannot go where it was decided to go; None where it can."""
    if call_type in (PASS_THROUGH, RELAYED) and decision.outcome == "route":
        return NOT_ROUTABLE
    if own_credentials and decision.request.require and decision.target:
        return WHOSE_PLACE
    if own_credentials and decision.target and several_providers(decision.request, decision.call_name(decision.target)):
        return WHOSE_KEY
    return None


def several_providers(request: Request, name: str) -> bool:
    """Whether several providers may answer when the proxy is asked for this name."""
    return request.models is not None and len({provider for provider, _ in request.models.served_by(name)}) > 1
