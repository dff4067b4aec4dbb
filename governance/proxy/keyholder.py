"""A key of the policy as LiteLLM knows keys, and why somebody is not let in, as LiteLLM answers it."""

from __future__ import annotations

from copy import deepcopy

from litellm.constants import LITELLM_PROXY_MASTER_KEY_ALIAS
from litellm.proxy._types import LitellmUserRoles, SpecialModelNames, UserAPIKeyAuth

from governance.model import Refusal
from governance.model.printable import printable
from governance.policy.keys import Key
from governance.proxy.translate import Refused

_ERROR_TYPES = {401: "authentication_error", 403: "permission_error"}


class Keyholder(UserAPIKeyAuth):
    """Whoever was let in with a key of the policy, whether or not the policy knows that key still."""


def keyholder(key: Key) -> Keyholder:
    """Whom LiteLLM lets in with this key."""
    return Keyholder(
        api_key=key.id,
        key_alias=key.name,
        user_role=LitellmUserRoles.INTERNAL_USER,
        user_id=key.user or None,
        team_id=key.team or None,
        team_alias=key.team_name or None,
        org_id=key.customer or None,
        organization_alias=key.customer_name or None,
        models=_models(key),
        # LiteLLM writes into it while it serves a request.
        metadata=deepcopy(key.metadata),
    )


def administrator(user_id: str) -> UserAPIKeyAuth:
    """Whom LiteLLM lets in with its master key, of which it carries no trace."""
    return UserAPIKeyAuth(
        api_key=LITELLM_PROXY_MASTER_KEY_ALIAS, user_id=user_id, user_role=LitellmUserRoles.PROXY_ADMIN
    )


def kept_out(refusal: Refusal, param: str | None = None) -> Refused:
    """The HTTP answer to somebody who is not let in."""
    return Refused(
        refusal.status,
        message=printable(refusal.message),
        type=_ERROR_TYPES[refusal.status],
        param=param,
        provider_specific_fields={"code": refusal.code},
    )


def _models(key: Key) -> list[str]:
    # LiteLLM takes an empty list for everything, and this name for nothing. What it cannot read is left to us.
    if key.models is None or not all(model.plain for model in key.models):
        return []
    return [model.text for model in key.models] or [SpecialModelNames.no_default_models.value]
