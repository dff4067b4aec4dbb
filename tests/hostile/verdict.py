"""What must not happen, each thing as a question to what was recorded; the answers are lines for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from tests.hostile.installation import OPERATORS_KEY, SECRETS
from tests.hostile.recorder import Call
from tests.hostile.walk import NO_HTTP, Answer

# Raised on purpose: they are answers, and LiteLLM logs some of them with where they came from.
_ANSWERS: Final = re.compile(r"governance\.proxy\.translate\.Refused|litellm\..*RateLimitError|.*HTTPException")
_FRAME: Final = re.compile(r'File "[^"]*/(governance|governance_plugins)/[^"]*\.py", line \d+, in \w+')
_OPERATORS: Final = re.compile(re.escape(OPERATORS_KEY).replace(r"\{\}", "([a-z_]+)"))


class Allowed(NamedTuple):
    """A 5xx of LiteLLM's own.

    Args:
        route, text: patterns of what was asked and of what was said.
        reason: why nobody here can answer better.
        log: what LiteLLM must have written meanwhile; "" where the text says enough.
    """

    route: str
    text: str
    reason: str
    log: str = ""


LITELLMS: Final = (
    Allowed(
        r".*",
        r"(DB|Database) not (connected|available)|No connected db|no_db_connection",
        "LiteLLM has no database here",
    ),
    Allowed(r"/toolset/.*", r"^$", "the same, asked with HEAD"),
    Allowed(r"/claude-code/.*", r"^Internal Server Error$", "the same, where LiteLLM fails over it"),
    Allowed(r".*/traces.*", r"Agent tracing is not enabled", "a part of LiteLLM that is not set up"),
    Allowed(r".*/(assistants|threads).*", r"'custom_llm_provider' must be set", "LiteLLM's settings name no provider"),
    Allowed(r".*/rag/ingest", r"DNS resolution failed", "LiteLLM fetches the file, and the name leads nowhere here"),
    Allowed(
        r".*/(fine_tuning|search|batches).*", r"^Internal Server Error$", "LiteLLM fails over an answer of another API"
    ),
    Allowed(
        r".*/(containers|videos|interactions|files|skills|vector_stores|evals)(/.*)?",
        r"validation errors? for \w+",
        "LiteLLM expects the answer of another API than the recorder gives",
    ),
    Allowed(
        r"/langfuse/.*",
        r"^Internal Server Error$",
        "LiteLLM takes the key out of a header of this endpoint before it looks whether there is one",
        r"in langfuse_proxy_route\n.*\n( *[~^]+ *\n)?IndexError: list index out of range",
    ),
    Allowed(r".*/rerank", r"Unsupported provider", "the providers of the virtual model have no such API in LiteLLM"),
    Allowed(r".*", r"502, message='Nowhere|502 Nowhere|Bad Gateway", "the way out of the proxy leads nowhere here"),
)


def faults_of_ours(answers: Iterable[Answer], log: str = "") -> Iterator[str]:
    """5xx that LiteLLM does not make by itself.

    Args:
        log: what the proxy wrote meanwhile.
    """
    for answer in answers:
        if answer.status == 0 and answer.text.startswith(NO_HTTP):
            yield f"no answer: {answer}"
        if answer.status < 500 or ("x-governance-decision-id" in answer.headers and _says_why(answer)):
            continue
        known = any(
            re.fullmatch(a.route, answer.probe.path) and re.search(a.text, answer.text) and re.search(a.log, log)
            for a in LITELLMS
        )
        # LiteLLM forbids the field, and without the packages for its database fails over its own refusal.
        name = re.escape(answer.probe.route.rpartition(" ")[2])
        forbidden = re.search(rf"Rejected Request: ({name}|REDACTED)\b", log)
        if not (known or (forbidden and answer.text == "Internal Server Error")):
            yield f"5xx: {answer}"


def _says_why(answer: Answer) -> bool:
    return '"provider_specific_fields":{"code":"ledger_unavailable"' in answer.text


def tracebacks_through_us(log: str) -> Iterator[str]:
    """Tracebacks whose innermost frame is our own code, unless an answer was raised there on purpose."""
    for block in re.split(r"^Traceback \(most recent call last\):$", log, flags=re.MULTILINE)[1:]:
        lines = block.splitlines()
        frames = [line.strip() for line in lines if line.lstrip().startswith("File ")]
        ending = next((line for line in lines if line and not line.startswith((" ", "\t", "+", "|"))), "")
        if frames and _FRAME.match(frames[-1]) and not _ANSWERS.match(ending):
            yield f"traceback: {frames[-1]}: {ending[:200]}"


def secrets_in(where: str, text: str) -> Iterator[str]:
    """Which of the operator's secrets a text has."""
    for secret in SECRETS:
        at = text.find(secret)
        if at >= 0:
            yield f"secret: {where}: …{text[max(0, at - 120) : at + 20]!r}"


def secrets_of(answers: Iterable[Answer]) -> Iterator[str]:
    """Secrets in what callers got."""
    for answer in answers:
        yield from secrets_in(str(answer.probe), f"{answer.text}\n{answer.headers}")


def keys_astray(calls: Iterable[Call]) -> Iterator[str]:
    """Keys of the operator, and what the environment holds, sent to whom they are not meant for."""
    for call in calls:
        said = f"{call.path}\n{call.headers}\n{call.body.decode('utf-8', 'replace')}"
        place = call.path.split("/")[1] if call.path.startswith("/") else ""
        for name in _OPERATORS.findall(said):
            if name.split("_")[0] not in (*place.split("_"), *_SHARED.get(place, ())):
                yield f"key of {name} sent to {call}"
        if "in-the-environment" in said or "sk-gov-" in said or "sk-master" in said:
            yield f"secret sent to {call}"


# Places with keys of another name: LiteLLM's settings for files, the shelf of vectors, the search tool.
_SHARED: Final = {
    "openai": ("files", "shelf"),
    "tavily": ("search",),
    "elsewhere": ("raw",),
    "bedrock": ("aws",),
    "hosted_vllm": ("vllm", "hosted"),
    "watsonx": ("token",),
    "gigachat": ("token",),
    "langfuse": ("langfuse",),
}


def uncounted(calls: Sequence[Call], requests: int, tokens: int) -> Iterator[str]:
    """What was delivered and is not in the ledger.

    Args:
        requests, tokens: by which the windows of the caller have grown.
    """
    made = [call for call in calls if call.told_tokens]
    told = sum(call.told_tokens for call in made)
    if requests < len(made):
        yield f"uncounted: {len(made)} calls delivered, {requests} requests counted: {made[0]}"
    if tokens < told:
        yield f"uncounted: providers told {told} tokens, {tokens} are counted: {', '.join(map(str, made[:3]))}"
