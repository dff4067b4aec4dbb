"""What eight providers say when they fail, as LiteLLM raises it, and which kind of failure that is."""

import json
import logging
from typing import Any

import httpx
import litellm
import openai
import pytest
from litellm.llms.anthropic.common_utils import AnthropicError
from litellm.llms.bedrock.common_utils import BedrockError
from litellm.llms.openai.common_utils import OpenAIError
from litellm.llms.vertex_ai.common_utils import VertexAIError

from governance.proxy.failures import failure_of

QUOTA = "You exceeded your current quota, please check your plan and billing details."
GEMINI_429 = {
    "error": {
        "code": 429,
        "message": QUOTA,
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}],
    }
}
GEMINI_DAY = {
    "error": {
        "code": 429,
        "message": QUOTA,
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}],
    }
}


def raised(provider: str, status: int, said: Any, headers: dict[str, str] | None = None) -> Exception:
    """What LiteLLM makes of the answer of a provider."""
    message = said if isinstance(said, str) else json.dumps(said)
    kinds: dict[str, Any] = {"anthropic": AnthropicError, "bedrock": BedrockError, "gemini": VertexAIError}
    kind = kinds.get(provider, OpenAIError)
    original = kind(status_code=status, message=message, headers=httpx.Headers(headers or {}))
    logging.disable(logging.CRITICAL)
    try:
        try:
            raise original
        except Exception:
            litellm.exception_type("m", original, provider, {}, {})
    except Exception as error:
        return error
    finally:
        logging.disable(logging.NOTSET)
    raise AssertionError("LiteLLM raised nothing")


def anthropic(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


@pytest.mark.parametrize(
    ("provider", "status", "said", "kind"),
    [
        ("openai", 429, {"error": {"message": QUOTA, "type": "insufficient_quota"}}, "account_exhausted"),
        ("openai", 429, "Rate limit reached for gpt-4o on tokens per min. Please try again in 1.2s.", "rate_limited"),
        ("openai", 400, "Billing hard limit has been reached", "account_exhausted"),
        ("openai", 400, "Unsupported parameter: 'temperature' is not supported with this model.", "unsupported"),
        (
            "openai",
            400,
            "max_tokens is too large: 99999. This model supports at most 16384 completion tokens",
            "output_limit_exceeded",
        ),
        (
            "openai",
            400,
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000",
            "context_window_exceeded",
        ),
        ("openai", 400, "Invalid value for 'messages[0].role'", "invalid_request"),
        (
            "openai",
            429,
            {"error": {"message": "No.", "code": "organization_spend_limit_exceeded"}},
            "account_exhausted",
        ),
        ("openai", 429, {"error": {"message": "No.", "code": "credit_balance_exhausted"}}, "account_exhausted"),
        ("openai", 401, "Incorrect API key provided: sk-x", "auth"),
        ("openai", 404, "The model `gpt-9` does not exist or you do not have access to it.", "not_found"),
        ("openai", 500, "The server had an error while processing your request", "server_error"),
        ("openai", 503, "The engine is currently overloaded, please try again later", "overloaded"),
        (
            "azure",
            429,
            "Requests have exceeded token rate limit of your current OpenAI S0 pricing tier. "
            "Please retry after 60 seconds.",
            "rate_limited",
        ),
        (
            "azure",
            400,
            "The response was filtered due to the prompt triggering Azure's content management policy.",
            "content_policy",
        ),
        ("azure", 404, "DeploymentNotFound: The API deployment for this resource does not exist.", "not_found"),
        (
            "anthropic",
            400,
            anthropic("invalid_request_error", "Your credit balance is too low to access the API."),
            "account_exhausted",
        ),
        (
            "anthropic",
            400,
            anthropic("invalid_request_error", "You have reached your specified API usage limits."),
            "account_exhausted",
        ),
        (
            "anthropic",
            400,
            anthropic("invalid_request_error", "prompt is too long: 212000 tokens > 200000 maximum"),
            "context_window_exceeded",
        ),
        (
            "anthropic",
            400,
            anthropic(
                "invalid_request_error",
                "max_tokens: 99999 > 8192, which is the maximum allowed number of output tokens",
            ),
            "output_limit_exceeded",
        ),
        ("anthropic", 400, anthropic("invalid_request_error", "messages: field required"), "invalid_request"),
        ("anthropic", 402, anthropic("billing_error", "There is an issue with your billing"), "account_exhausted"),
        (
            "anthropic",
            413,
            anthropic("request_too_large", "Request exceeds the size"),
            "context_window_exceeded",
        ),
        ("anthropic", 429, anthropic("rate_limit_error", "This request would exceed your rate limit"), "rate_limited"),
        ("anthropic", 529, anthropic("overloaded_error", "Overloaded"), "overloaded"),
        ("gemini", 429, GEMINI_429, "rate_limited"),
        ("gemini", 429, GEMINI_DAY, "account_exhausted"),
        ("gemini", 400, {"error": {"message": "API key not valid. Please pass a valid API key."}}, "auth"),
        (
            "gemini",
            400,
            {"error": {"message": 'Invalid JSON payload received. Unknown name "x": Cannot find field.'}},
            "unsupported",
        ),
        (
            "gemini",
            400,
            {
                "error": {
                    "message": "The input token count (1300000) exceeds the maximum number of tokens allowed (1048576)."
                }
            },
            "context_window_exceeded",
        ),
        (
            "gemini",
            404,
            {"error": {"message": "models/x is not found for API version v1beta, or is not supported for it."}},
            "not_found",
        ),
        ("gemini", 503, {"error": {"message": "The model is overloaded. Please try again later."}}, "overloaded"),
        ("bedrock", 429, {"message": "Too many tokens, please wait before trying again."}, "rate_limited"),
        ("bedrock", 429, {"message": "Too many tokens per day, please wait before trying again."}, "account_exhausted"),
        (
            "bedrock",
            400,
            {"message": "The maximum tokens you requested exceeds the model limit of 4096."},
            "output_limit_exceeded",
        ),
        ("bedrock", 400, {"message": "Malformed input request: #: extraneous key [x] is not permitted"}, "unsupported"),
        ("bedrock", 400, {"message": "The provided model identifier is invalid."}, "not_found"),
        ("bedrock", 400, {"message": "Your request exceeds the service quota for your account."}, "rate_limited"),
        ("bedrock", 429, {"message": "The model is not ready to serve inference requests."}, "overloaded"),
        ("bedrock", 424, {"message": "The request failed due to an error while processing the model."}, "server_error"),
        ("groq", 413, "Request too large for model `x`: Limit 6000, Requested 7000", "context_window_exceeded"),
        ("groq", 400, "`max_tokens` must be less than or equal to `8192`", "output_limit_exceeded"),
        ("groq", 400, "The model `x` has been decommissioned and is no longer supported", "not_found"),
        ("groq", 498, "Flex tier capacity exceeded", "unsupported"),
        ("mistral", 429, "Service tier capacity exceeded for this model.", "overloaded"),
        ("mistral", 400, "Invalid model: mistral-huge", "not_found"),
        ("mistral", 422, "Input should be a valid string", "invalid_request"),
        ("deepseek", 402, {"error": {"message": "Insufficient Balance"}}, "account_exhausted"),
        ("deepseek", 400, {"error": {"message": "Insufficient Balance"}}, "account_exhausted"),
        ("deepseek", 400, {"error": {"message": "Model Not Exist"}}, "not_found"),
        ("deepseek", 400, {"error": {"message": "Content Exists Risk"}}, "content_policy"),
        (
            "deepseek",
            400,
            {"error": {"message": "Invalid max_tokens value, the valid range is [1, 8192]"}},
            "output_limit_exceeded",
        ),
        ("openrouter", 402, "Insufficient credits. Add more using https://openrouter.ai/credits", "account_exhausted"),
        (
            "openrouter",
            402,
            "This request requires more credits, or fewer max_tokens. You requested up to 64000, "
            "but can only afford 1234.",
            "output_limit_exceeded",
        ),
        ("openrouter", 403, "Your chosen model requires moderation and your input was flagged", "content_policy"),
        ("openrouter", 404, "No endpoints found that support tool use", "unsupported"),
    ],
)
def test_each_provider_is_understood(provider: str, status: int, said: Any, kind: str) -> None:
    assert failure_of(raised(provider, status, said)).kind == kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request"),
        (401, "auth"),
        (402, "account_exhausted"),
        (403, "auth"),
        (404, "not_found"),
        (405, "not_found"),
        (408, "timeout"),
        (409, "server_error"),
        (422, "invalid_request"),
        (424, "server_error"),
        (425, "overloaded"),
        (429, "rate_limited"),
        (451, "unsupported"),
        (499, "timeout"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "overloaded"),
        (504, "timeout"),
        (529, "overloaded"),
    ],
)
@pytest.mark.parametrize("provider", ["openai", "anthropic", "groq", "gemini", "deepseek"])
def test_a_status_without_words_is_understood(provider: str, status: int, kind: str) -> None:
    assert failure_of(raised(provider, status, "no")).kind == kind


def test_words_that_a_provider_repeats_after_its_caller_cool_nobody_down() -> None:
    error = raised("openai", 400, "Invalid value: 'credit balance is too low'. Supported values are: 'system', 'user'")

    assert failure_of(error).kind == "account_exhausted"
    assert failure_of(error, lambda: "{'role': 'Credit balance is too low'}").kind == "invalid_request"


@pytest.mark.parametrize(
    ("status", "said", "headers", "seconds"),
    [
        (429, "no", {"retry-after": "17"}, 17),
        (429, "no", {"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        (503, "no", {"retry-after": "30"}, 30),
        (429, GEMINI_429, {}, 34.5),
        (429, "Please try again in 1m2.5s.", {}, 62.5),
        (429, "Please try again in 250ms.", {}, 0.25),
        (429, "Please retry after 60 seconds.", {}, 60),
        (429, "no", {"retry-after": "nan"}, None),
        (429, "no", {}, None),
    ],
)
def test_a_provider_that_says_how_long_is_heard(status: int, said: Any, headers: dict[str, str], seconds: Any) -> None:
    assert failure_of(raised("openai", status, said, headers)).retry_after_s == seconds


def test_a_date_until_which_an_account_is_shut_is_read() -> None:
    said = "You have reached your specified API usage limits. You will regain access on 2999-01-01 at 00:00 UTC."

    failure = failure_of(raised("anthropic", 400, anthropic("invalid_request_error", said)))

    assert failure.kind == "account_exhausted"
    assert (failure.retry_after_s or 0) > 86_400


@pytest.mark.parametrize("status", [400, 402, 429, 451, 500, 529])
def test_what_openais_client_raises_is_judged_by_the_status_of_the_answer(status: int) -> None:
    """As in a proxy: behind its exception is that of httpx, which has no status of its own but an answer."""
    answer = httpx.Response(status, request=httpx.Request("POST", "http://provider.test"))
    expected = {400: "invalid_request", 402: "account_exhausted", 429: "rate_limited", 451: "unsupported"}
    try:
        try:
            answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise openai.APIStatusError("no", response=answer, body=None) from error
    except openai.APIStatusError as error:
        failure = failure_of(error)

    assert failure.kind == {**expected, 500: "server_error", 529: "overloaded"}[status]
    assert failure.status == status


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Overloaded", "overloaded"),
        ("rate_limit_error: slow down", "rate_limited"),
        ("insufficient_quota", "account_exhausted"),
        ("The model is currently over capacity.", "overloaded"),
        ("something else", "server_error"),
    ],
)
def test_an_error_in_a_stream_is_judged_by_its_words(said: str, kind: str) -> None:
    request = httpx.Request("POST", "http://provider.test")
    original = litellm.APIError(status_code=500, message=said, llm_provider="openai", model="m")
    original.__cause__ = openai.APIError(said, request, body=None)
    error = litellm.exceptions.MidStreamFallbackError(said, "m", "openai", original_exception=original)

    assert failure_of(error).kind == kind
