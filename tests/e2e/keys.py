"""Custom auth of the test proxy: the key `sk-{json}` is a key with these fields, as a database would hold them."""

import hashlib
import json

from fastapi import Request
from litellm.proxy._types import LitellmUserRoles, ProxyException, UserAPIKeyAuth

MASTER_KEY = "sk-end-to-end-tests-only"


async def user_api_key_auth(request: Request, api_key: str) -> UserAPIKeyAuth:
    if api_key == MASTER_KEY:
        return UserAPIKeyAuth(api_key=api_key, user_role=LitellmUserRoles.PROXY_ADMIN, user_id="admin")
    try:
        fields = json.loads(api_key.removeprefix("sk-"))
    except ValueError:
        raise ProxyException(message="unknown key", type="auth_error", param="key", code=401) from None
    return UserAPIKeyAuth(
        api_key="sk-" + hashlib.sha256(api_key.encode()).hexdigest(),
        **{"user_role": LitellmUserRoles.INTERNAL_USER, **fields},
    )
