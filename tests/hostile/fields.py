"""Every field and header that governance classifies, with values of a wrong type and with hostile ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, Final

from governance.proxy import body_fields
from governance.proxy.field_types import mistake
from tests.hostile.routes import Probe

_TEXT: Final = [{"role": "user", "content": "Hello"}]
# A virtual model with two targets, and all that its caller's key may ask for.
VIRTUAL: Final = "two/walked"
BODIES: Final[dict[str, dict[str, Any]]] = {
    "/v1/chat/completions": {"model": VIRTUAL, "messages": _TEXT},
    "/v1/responses": {"model": VIRTUAL, "input": "Hello"},
    "/v1/messages": {"model": VIRTUAL, "messages": _TEXT, "max_tokens": 5},
    "/v1/completions": {"model": VIRTUAL, "prompt": "Hello"},
    "/v1/embeddings": {"model": VIRTUAL, "input": "Hello"},
    "/v1/moderations": {"model": VIRTUAL, "input": "Hello"},
    "/v1/images/generations": {"model": VIRTUAL, "prompt": "a cat"},
    "/v1/audio/speech": {"model": VIRTUAL, "input": "Hello", "voice": "alloy"},
    "/v1/rerank": {"model": VIRTUAL, "query": "Hello", "documents": ["a", "b"]},
    "/v1beta/models/two/walked:generateContent": {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
}
CHAT: Final = "/v1/chat/completions"
ELSEWHERE: Final = 4
WRONG: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1e308,
    10**400,
    float("nan"),
    "",
    "x",
    "\ud800",
    "5",
    [],
    [[]],
    [None],
    ["x", 1],
    {},
    {"a": {"b": []}},
    [{}],
    [{"a": 1}],
)
HOSTILE: Final[tuple[Any, ...]] = (
    "os.environ/WALK_SECRET",
    ["os.environ/WALK_SECRET"],
    {"value": "os.environ/OPENAI_API_KEY", "api_key": "os.environ/OPENAI_API_KEY"},
    "${WALK_SECRET}",
    "openai/walked",
    ["openai/walked"],
    [{"model": "openai/walked", "api_key": "os.environ/OPENAI_API_KEY"}],
    {"model": "openai/walked", "custom_llm_provider": "openai"},
    "../../admin",
    "a\r\nx-injected: yes",
    "\x1b[31m\u202e\x00",
    "http://169.254.169.254/latest/meta-data",
    {"$ref": "#/definitions/x", "__proto__": {"x": 1}, "__class__": "x"},
    "{{ 7 * 7 }}{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
    "x" * 100_000,
    {str(n): n for n in range(2_000)},
    ["x"] * 5_000,
)
HEADER_VALUES: Final = (
    "",
    "x",
    "abc",
    "-1",
    "0",
    "1e308",
    "nan",
    "true",
    "null",
    "[]",
    "{",
    '{"a": {"b": []}}',
    "os.environ/WALK_SECRET",
    "../../admin",
    "openai/walked",
    "caf\u00e9",
    "x" * 5_000,
)
# One name of each family of names that are refused.
_OF_FAMILIES: Final = (
    *("_private", "input_cost_per_token", "aws_access_key_id", "vertex_project", "azure_ad_token", "s3_bucket_name"),
    *("langfuse_secret_key", "user_api_key_team_id", "mock_response", "mock_tool_calls", "mock_timeout"),
)


def names() -> list[str]:
    """Every field that has a class, and every name of LiteLLM's own."""
    classes = (body_fields.OURS, body_fields.HARMLESS, body_fields.API, body_fields.REFUSED, body_fields.ADDED)
    return sorted({*body_fields.own_names(), *_OF_FAMILIES}.union(*classes))


def headers() -> list[str]:
    """Every header that LiteLLM obeys."""
    return sorted(body_fields.HEADERS | body_fields.HEADERS_REFUSED)


def bodies(seed: int, paths: tuple[str, ...] = tuple(BODIES)) -> Iterator[Probe]:
    """Each field with each value in a chat, and with some in the bodies of the other APIs."""
    draw = random.Random(seed)
    for path in paths:
        for name in names():
            values = (*WRONG, *HOSTILE)
            for value in values if path == CHAT else draw.sample(values, ELSEWHERE):
                yield probe(path, name, value)


# Places inside of fields that LiteLLM reads as it translates a body to a provider's API, each with what leads there.
_MESSAGE: Final = {"role": "user", "content": "Hello"}
_PART: Final = {"type": "text", "text": "Hello"}
_CALL: Final = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
_INSIDE: Final[tuple[tuple[str, Callable[[Any], Any]], ...]] = (
    *(("messages", lambda value, name=name: [{**_MESSAGE, name: value}]) for name in ("role", "content", "name")),
    ("messages", lambda value: [{**_MESSAGE, "content": [value]}]),
    *(("messages", lambda value, name=name: [{**_MESSAGE, "content": [{**_PART, name: value}]}]) for name in _PART),
    ("messages", lambda value: [{**_MESSAGE, "content": [{"type": "image_url", "image_url": value}]}]),
    ("messages", lambda value: [{"role": "assistant", "content": None, "tool_calls": value}]),
    *(
        ("messages", lambda value, name=name: [{"role": "assistant", "tool_calls": [{**_CALL, name: value}]}])
        for name in _CALL
    ),
    ("messages", lambda value: [{"role": "tool", "tool_call_id": value, "content": "x"}]),
    *(("tools", lambda value, name=name: [{"type": "function", name: value}]) for name in ("function", "input_schema")),
    ("tools", lambda value: [{"type": "function", "function": {"name": "f", "parameters": value}}]),
    *(
        ("response_format", lambda value, name=name: {"type": "json_schema", name: value})
        for name in ("type", "json_schema")
    ),
    *(("thinking", lambda value, name=name: {"type": "enabled", name: value}) for name in ("type", "budget_tokens")),
    ("reasoning", lambda value: {"effort": value}),
    ("stream_options", lambda value: {"include_usage": value}),
    ("input", lambda value: [{"role": "user", "content": value}]),
    ("input", lambda value: [{"type": value}]),
    ("contents", lambda value: [{"role": "user", "parts": value}]),
    ("contents", lambda value: [{"role": "user", "parts": [value]}]),
    ("generationConfig", lambda value: {"maxOutputTokens": value}),
    ("metadata", lambda value: {"tags": value}),
    ("guardrails", lambda value: [value]),
    ("extra_body", lambda value: {"walked": value}),
    ("fallbacks", lambda value: [{"model": "groq/walked", "walked": value}]),
)


def inside(seed: int, some: int) -> list[Probe]:
    """Values of a wrong type and hostile ones inside of fields whose own type is right."""
    values = (*WRONG, *HOSTILE)
    found = [probe(path, name, of(value)) for path in BODIES for name, of in _INSIDE for value in values]
    return random.Random(seed).sample(found, some)


def with_headers() -> Iterator[Probe]:
    """Each header with each value."""
    for name in headers():
        for value in HEADER_VALUES:
            yield Probe(f"{CHAT} {name}", "POST", CHAT, dict(BODIES[CHAT]), headers={name: value})


def probe(path: str, name: str, value: Any) -> Probe:
    """One field with one value; the route names the field, so that people can tell the probes apart."""
    return Probe(f"{path} {name}", "POST", path, {**BODIES[path], name: value})


def sample(seed: int, more: int) -> list[Probe]:
    """Each field once with a value of a wrong type and once with a hostile one, each header once; and some more."""
    draw = random.Random(seed)
    found = []
    for name in names():
        wrong = [value for value in WRONG if mistake(name, value, "acompletion")] or list(WRONG)
        found += [probe(CHAT, name, draw.choice(wrong)), probe(CHAT, name, draw.choice(HOSTILE))]
    for name in headers():
        found.append(
            Probe(f"{CHAT} {name}", "POST", CHAT, dict(BODIES[CHAT]), headers={name: draw.choice(HEADER_VALUES)})
        )
    for _ in range(more):
        found.append(probe(draw.choice(list(BODIES)), draw.choice(names()), draw.choice((*WRONG, *HOSTILE))))
    draw.shuffle(found)
    return found
