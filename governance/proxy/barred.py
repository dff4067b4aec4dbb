"""Which models a caller may not ask for, by the keys of the policy and by LiteLLM."""

from __future__ import annotations

from typing import Any

from governance.engine.admission import MayCall
from governance.engine.keyring import UNKNOWN, Keyring, may_call, model_refusal
from governance.model import Refusal, Request
from governance.proxy.keyholder import Keyholder
from governance.proxy.misuse import LONGEST_MODEL
from governance.proxy.models import ProxyModels


def access_of(auth: Any, digest: str, keyring: Keyring, models: ProxyModels) -> MayCall:
    """Whether this caller, whose key has this digest, may ask for a model: by the policy and by LiteLLM."""
    key, by_litellm = keyring.of(digest), models.access(auth)

    async def may_call_both(model: str) -> bool:
        served = models.served_to(key.team if key and key.team else "")
        return (key is None or may_call(key, model, served)) and await by_litellm(model)

    return may_call_both


def barred(request: Request, auth: Any, asked: str, keyring: Keyring, models: ProxyModels) -> Refusal | None:
    """Why the key may not ask for this model.

    Asked once more: LiteLLM may have changed the model since it let the caller in, or a reload the keys.

    Args:
        asked: the name, as it was asked for.
    """
    key = keyring.of(request.identity.virtual_key_id)
    if key is None:
        return UNKNOWN if isinstance(auth, Keyholder) else None
    if not key.restricted or not asked:
        return None
    return model_refusal(key, [asked[:LONGEST_MODEL]], models.served_to(request.identity.team_id))
