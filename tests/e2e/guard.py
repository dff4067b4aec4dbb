"""Another callback in the proxy, after governance: a guardrail that rejects when a header says so."""

import asyncio

from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger


def wish(data: dict) -> str:
    return ((data.get("proxy_server_request") or {}).get("headers") or {}).get("x-guard", "")


class Guard(CustomLogger):
    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        if wish(data) == "before":
            raise HTTPException(status_code=403, detail="the guard says no")
        if wish(data) == "cancel":
            raise asyncio.CancelledError
        if wish(data) == "rerun" and data["model"].endswith("/rerun-first"):
            from litellm.proxy.common_utils.proxy_rate_limit_error import ProxyRateLimitError

            raise ProxyRateLimitError(
                detail={"error": {"message": "full", "type": "rate_limit_error"}},
                headers={},
                rate_limit_type="requests",
                model=data["model"],
                llm_provider="guard",
            )
        return data

    async def async_moderation_hook(self, data, user_api_key_dict, call_type):
        if wish(data) == "during":
            raise HTTPException(status_code=403, detail="the guard says no")

    async def async_post_call_success_hook(self, data, user_api_key_dict, response):
        if wish(data) == "after":
            raise HTTPException(status_code=403, detail="the guard says no")


guard = Guard()
