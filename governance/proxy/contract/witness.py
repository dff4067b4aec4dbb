"""A callback that writes down what LiteLLM tells it, and a router that asks nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from litellm.exceptions import RateLimitError
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy.auth.fallback_budget import RouterFallbackBudgetCheck
from litellm.router import Router

from governance.proxy.deployments import chosen_id
from governance.proxy.served import served_id

MARK: Final = "governance_contract_probe"
FIRST: Final = "groq/contract-fails"
FULL: Final = "openai/contract-is-full"
LAST: Final = "cerebras/contract-answers"
ANSWER: Final = "held"
TOLD_WITHIN_S: Final = 2.0


class Told(NamedTuple):
    """One call of one hook: `model` as the hook was told it, and whether our mark was in the request."""

    hook: str
    model: str
    marked: bool


# As the handler's: LiteLLM tells such classes of requests with `no-log: true` too (seen in 1.106-1.110).
class Witness_PROXY_(CustomLogger):
    """Refuses `FULL` as governance refuses a target that is full. All hooks on the leaf class, as in the handler."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Told] = []
        self.usage: Any = None
        self.chosen = self.served = ""
        self.answered = asyncio.Event()
        self._coming = ""

    def announced(self, request_kwargs: Any, model: str) -> None:
        """A fallback check was asked."""
        if marked(request_kwargs):
            self._coming = model
            self.told.append(Told("fallback check", model, True))

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any]:
        self.told.append(Told("pre_call", str(data.get("model")), marked(data)))
        return data

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list[Any],
        messages: Any,
        request_kwargs: dict[str, Any] | None = None,
        parent_otel_span: Any = None,
    ) -> list[Any]:
        self.told.append(Told("filter", model, marked(request_kwargs)))
        if self._coming == FULL:
            raise RateLimitError(
                message="full", llm_provider="governance", model=model, num_retries=0, headers={"retry-after": "1"}
            )
        return healthy_deployments

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> None:
        self.chosen = chosen_id(kwargs)
        self.told.append(Told("deployment", str((kwargs.get("metadata") or {}).get("model_group")), marked(kwargs)))

    async def async_post_call_failure_deployment_hook(
        self, request_data: Any, exception: Exception, call_type: Any, fallback_depth: int | None = None
    ) -> None:
        self.told.append(Told("failure", str(getattr(exception, "status_code", None)), marked(request_data)))

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self.told.append(Told("success", str(kwargs.get("model")), marked(kwargs.get("litellm_params"))))
        self.usage = getattr(response_obj, "usage", None)
        self.served = served_id(kwargs, response_obj)
        self.answered.set()


def marked(kwargs: Any) -> bool:
    """Whether what a hook is given is of the request that a probe sent."""
    found = kwargs.get("metadata") if isinstance(kwargs, Mapping) else None
    return isinstance(found, Mapping) and found.get(MARK) is True


def private_router() -> Router:
    """Three wildcard groups whose providers are all mocked: the first fails, the others answer."""
    groups = {FIRST: "litellm.InternalServerError", FULL: ANSWER, LAST: ANSWER}
    check: Any = RouterFallbackBudgetCheck(is_enforced=lambda: False)
    # From 1.110 on it has no types.
    router: Router = Router(
        model_list=[
            {
                "model_name": f"{name.partition('/')[0]}/*",
                "litellm_params": {
                    "model": f"{name.partition('/')[0]}/*",
                    "api_key": "none",
                    # Where a mock should not be heeded one day, nobody is there.
                    "api_base": "http://127.0.0.1:9/",
                    "mock_response": mock,
                },
            }
            for name, mock in groups.items()
        ],
        num_retries=0,
        fallbacks=[],
        fallback_budget_check=check,
    )
    return router
