"""What providers write into their errors, and which kind of failure that is: their status alone often does not tell.

Sources: the error references of OpenAI, Azure OpenAI, Anthropic, Gemini and Vertex AI, Bedrock, Groq, Mistral, DeepSeek
and OpenRouter, and errors seen from them; one of each in tests/proxy/test_failure_words.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple


class Meaning(NamedTuple):
    """What a text says. `words`: those that said it, which may be a caller's own where a provider repeats them."""

    kind: str
    words: str


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


# A single request that is larger than what a minute, or one request, may have.
TOO_LARGE: Final = _any(
    r"(request|prompt|input|message|payload|entity)s?[ _]((is|are)[ _])?too[ _](large|long)",
    r"must be reduced",
    r"reduce (the length|the size|the number|your)",
    r"too many (input )?tokens in (the|this|your)",
)
# Of accounts. Gemini says the first of these of a minute's quota too, and then how long to wait.
_QUOTA: Final = _any(r"exceeded your current quota", r"\bquota exceeded\b", r"\bRESOURCE_EXHAUSTED\b")
_BY_THE_DAY: Final = _any(r"per ?(day|month)\b", r"(daily|monthly) (limit|quota|usage|spend)")
# Whose `retryDelay` is of seconds all the same.
_GEMINIS_DAY: Final = _any(r"quotaId\W+\w*PerDay")
_ACCOUNT: Final = _any(
    r"insufficient[ _](account[ _])?(balance|credits?|funds|quota)",
    r"credit balance is too low",
    r"(out of|not enough) credits",
    r"check your plan and billing",
    r"billing[ _](hard[ _]limit|not[ _]active|error)",
    r"(hard|spend(ing)?|usage)[_ ]limit[_ ](has been |was )?(reached|exceeded)",
    r"\bcredit_balance_exhausted\b",
    r"account (is )?not active",
    r"reached your specified (API )?usage limits?",
    r"payment[ _]required",
    r"overdue[ -]payment",
    r"key limit exceeded",
    r"exceeded your monthly",
)
# OpenRouter's, of one request that is dearer than what is left: smaller ones are served.
_TOO_DEAR: Final = _any(r"can only afford")
_AUTH: Final = _any(
    r"(incorrect|invalid) api key",
    r"api key (not valid|expired|not found)",
    r"API_KEY_INVALID",
    r"UnrecognizedClientException|ExpiredTokenException|InvalidSignatureException",
    r"security token included in the request is",
    r"user location is not supported",
)
_CONTENT: Final = _any(
    r"content[ _-]?(management[ _])?(filter(ing)?|policy)",
    r"responsible ?ai ?policy",
    r"safety (system|settings|reasons)",
    r"blocked (due to|by|for) (safety|content|prohibited)",
    r"PROHIBITED_CONTENT|content exists risk|DataInspectionFailed",
    r"violat\w+ (our |the )?(usage|content) polic",
    r"(input|prompt) was flagged",
    r"guardrail_intervened",
)
_OUTPUT_LIMIT: Final = _any(
    r"max(imum)?[_ ]?((completion|output|new)[_ ])?tokens\W{0,2}( is too large|:? ?\d+ ?>|.{0,40}(less than|at most))",
    r"maximum (allowed )?number of (output|completion) tokens",
    r"maxOutputTokens.{0,80}supported range",
    r"(invalid|valid range of) max_tokens",
    r"maximum tokens you requested exceeds",
    r"supports at most \d+ (completion|output) tokens",
)
_TOO_LONG: Final = _any(
    TOO_LARGE.pattern,
    r"context[ _](length|window|limit|size)",
    r"maximum context",
    r"(prompt|input|messages?) (is|are) too long",
    r"maximum number of (input )?tokens",
    r"token count.{0,40}exceeds",
    r"too large for model with \d+ maximum",
)
_NO_MODEL: Final = _any(
    r"model.{0,120}(does(n't| not) exist|not[ _]found|(has been|is) (decommissioned|deprecated)|no longer)",
    r"invalid[ _]model|model not exist|model identifier is invalid|is not a valid model",
    r"on-demand throughput isn.t supported",
    r"DeploymentNotFound|deployment .{0,80}does not exist",
)
_UNSUPPORTED: Final = _any(
    r"unsupported[ _](parameter|value|param)",
    r"(is|are) (not supported|unsupported)",
    r"(does not|doesn't|do not) support",
    r"cannot find field",
    r"extra(neous)? (inputs?|key).{0,80}not permitted",
    r"no endpoints found that support",
    r"not (available|enabled) for this model",
)
_OBJECT: Final = _any(
    r"previous[ _]response|response with id|no such (file|thread|assistant|container|batch)",
    r"file.{0,60}not found",
)
_OVERLOADED: Final = _any(
    r"overloaded",
    r"\b(at|over)[ _]capacity|capacity exceeded",
    r"ModelNotReady|not ready (for|to serve) inference",
    r"\bslow_down\b",
)
_RATE: Final = _any(
    r"rate[ _]limit", r"too many (requests|tokens)", r"throttl(ed|ing)", r"RESOURCE_EXHAUSTED|\btoo_many_requests\b"
)
# Bedrock's ServiceQuotaExceededException, of a while for all that its status of 400 says.
_SERVICE_QUOTA: Final = _any(r"exceeds the service quota")
_TIMEOUT: Final = _any(r"timed? ?out|timeout_error|deadline[ _]exceeded|ModelTimeout")
_BROKEN: Final = _any(r"\bapi_error\b|internal[ _]server[ _]error|\bserver_error\b|ModelStreamError")

# What a refused request can mean, the most telling first.
_OF_A_REFUSAL: Final = (
    ("output_limit_exceeded", _TOO_DEAR),
    ("account_exhausted", _ACCOUNT),
    ("auth", _AUTH),
    ("rate_limited", _SERVICE_QUOTA),
    ("output_limit_exceeded", _OUTPUT_LIMIT),
    ("context_window_exceeded", _TOO_LONG),
    ("content_policy", _CONTENT),
    ("not_found", _NO_MODEL),
    ("unsupported", _UNSUPPORTED),
)
# An error in a stream, or one that LiteLLM has no class for: there is no status to go by.
_WITHOUT_STATUS: Final = (
    *_OF_A_REFUSAL[:3],
    ("overloaded", _OVERLOADED),
    ("rate_limited", _RATE),
    ("timeout", _TIMEOUT),
    ("server_error", _BROKEN),
    *_OF_A_REFUSAL[3:],
)
_REFUSALS: Final = frozenset({400, 403, 404, 422})


def meaning(status: int | None, text: str, retry_after_s: float | None) -> Meaning | None:
    """The kind of failure that a provider's words tell of; None where its status has to do.

    Args:
        status: of HTTP, as the provider answered; None where it had answered 200 or nothing.
        retry_after_s: how long it says to wait.
    """
    return next(_meanings(status, text, retry_after_s), None)


def _meanings(status: int | None, text: str, retry_after_s: float | None) -> Iterator[Meaning]:
    if status in (429, 403, None) and (found := _quota(text, retry_after_s)):
        yield found
    if status == 429:
        yield from _first((("context_window_exceeded", TOO_LARGE), ("overloaded", _OVERLOADED)), text)
    elif status == 404:
        # Google's of a model that is gone goes on: "or is not supported for generateContent".
        yield from _first((("invalid_request", _OBJECT), *_OF_A_REFUSAL[-2:]), text)
    elif status == 402:
        yield from _first(_OF_A_REFUSAL[:1], text)
    elif status in _REFUSALS:
        yield from _first(_OF_A_REFUSAL, text)
    elif status is None:
        yield from _first(_WITHOUT_STATUS, text)
    elif status >= 500:
        yield from _first((("account_exhausted", _ACCOUNT), ("overloaded", _OVERLOADED)), text)


def _quota(text: str, retry_after_s: float | None) -> Meaning | None:
    """A quota that is used up: for a while, where the provider says for how long, else until somebody pays."""
    of_a_day = _GEMINIS_DAY.search(text) or (retry_after_s is None and _BY_THE_DAY.search(text))
    if of_a_day and (_QUOTA.search(text) or _RATE.search(text)):
        return Meaning("account_exhausted", of_a_day[0])
    if found := _ACCOUNT.search(text):
        passing = retry_after_s is not None and _QUOTA.search(text)
        return Meaning("rate_limited" if passing else "account_exhausted", found[0])
    return None


def _first(kinds: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> Iterator[Meaning]:
    for kind, pattern in kinds:
        if found := pattern.search(text):
            yield Meaning(kind, found[0])
