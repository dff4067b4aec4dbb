"""Whatever a client sends, no raw 500 comes from us, and the next request is served."""

import json
from typing import Any

import pytest

CHAT = {"messages": [{"role": "user", "content": "Hello"}]}
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    "",
    "x" * 10_000,
    "\ud800",
    "a\r\nb: c",
    [],
    [[]],
    {},
    {"a": {"b": []}},
    ["x", 1],
]


def asked(proxy, body: dict[str, Any], path: str = "/v1/chat/completions", **headers: str) -> int:
    content = json.dumps(body).encode()
    answer = proxy.client.post(path, content=content, headers={"content-type": "application/json", **headers})
    status: int = answer.status_code
    return status


def ours(output: str) -> list[str]:
    """Lines of tracebacks that pass through our own code."""
    return [
        line
        for line in output.splitlines()
        if 'File "' in line and "/governance/" in line and "site-packages" not in line
    ]


@pytest.mark.parametrize(
    "field",
    [
        "fallbacks",
        "metadata",
        "litellm_metadata",
        "stream_options",
        "n",
        "max_tokens",
        "tools",
        "user",
        "num_retries",
        "tags",
    ],
)
def test_fields_of_any_type_do_no_harm(proxy, field: str) -> None:
    before = len(ours(proxy.output.read_text("utf-8", "replace")))

    for value in ODD:
        asked(proxy, {"model": "fast/odd", **CHAT, field: value})

    assert ours(proxy.output.read_text("utf-8", "replace"))[before:] == []
    assert proxy.chat("fast/odd").status_code == 200


@pytest.mark.parametrize("value", ODD)
def test_models_and_messages_of_any_type_do_no_harm(proxy, value: Any) -> None:
    before = len(ours(proxy.output.read_text("utf-8", "replace")))

    asked(proxy, {"model": value, **CHAT})
    asked(proxy, {"model": "fast/odd", "messages": value})
    asked(proxy, {"model": "fast/odd", "input": value}, "/v1/responses")
    asked(proxy, {"model": "fast/odd", "input": value}, "/v1/embeddings")
    asked(proxy, {"model": "fast/odd", "max_tokens": 5, "messages": value}, "/v1/messages")

    assert ours(proxy.output.read_text("utf-8", "replace"))[before:] == []
    assert proxy.chat("fast/odd").status_code == 200


@pytest.mark.parametrize(
    "model", ["fast/", "fast//", "/", "fast/\u202e", "FAST/ ", "fast/" + "x" * 5000, "fast/\ud800", "fast/*"]
)
def test_odd_virtual_names_are_answered_with_an_error_or_served(proxy, model: str) -> None:
    assert asked(proxy, {"model": model, **CHAT}) in (200, 400, 404, 422)


def test_deeply_nested_bodies_do_no_harm(proxy) -> None:
    nested: Any = "x"
    for _ in range(500):
        nested = [nested]

    assert asked(proxy, {"model": "fast/deep", "messages": [{"role": "user", "content": nested}]}) < 600
    assert proxy.chat("fast/deep").status_code == 200
