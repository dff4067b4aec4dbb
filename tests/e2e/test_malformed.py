"""What no API takes is the caller's mistake on a real proxy too: our 400, before LiteLLM stumbles over it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

POLICY = "version: 1\nrate_limits:\n  - {name: all, subject: everyone, requests: 10000/hour}\n"
PATHS = [
    "/v1/chat/completions",
    "/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/messages",
    "/v1/images/generations",
    "/v1/moderations",
    "/v1/rerank",
    "/v1/audio/speech",
    "/v1beta/models/groq/m:generateContent",
    "/openai/deployments/groq%2Fm/chat/completions",
]
CHAT = {"model": "groq/m", "messages": [{"role": "user", "content": "Hello"}]}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def plain(start) -> Iterator[Any]:
    with start(POLICY) as running:
        yield running


def mistake(answer: httpx.Response) -> str:
    assert answer.status_code == 400, f"{answer.status_code}: {answer.text}"
    found = answer.json()["error"]
    assert found["type"] == "invalid_request_error"
    text: str = found["message"]
    assert "Traceback" not in answer.text
    return text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", ["[]", '[{"model": "groq/m"}]', '"text"', "5", "null", "true", " \n[1]"])
def test_a_body_that_is_no_object_is_a_mistake_of_the_caller(plain, path: str, body: str) -> None:
    answer = plain.client.post(path, content=body, headers=JSON)

    assert "object" in mistake(answer)


def test_nothing_of_it_is_in_the_log_as_a_failure_of_the_proxy(plain) -> None:
    before = plain.output.read_text("utf-8").count("Traceback")
    plain.client.post("/v1/chat/completions", content="[]", headers=JSON)

    assert plain.output.read_text("utf-8").count("Traceback") == before


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-litellm-timeout", "abc"),
        ("x-litellm-timeout", "nan"),
        ("x-litellm-timeout", "-inf"),
        ("x-litellm-stream-timeout", ""),
        ("x-litellm-num-retries", "1.5"),
        ("x-litellm-num-retries", "many"),
        ("x-litellm-keepalive-seconds", "soon"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings"])
def test_a_header_with_a_number_that_is_none_is_named(plain, path: str, header: str, value: str) -> None:
    body = {**CHAT, "input": "Hello", "max_tokens": 9}
    answer = plain.client.post(path, json=body, headers={header: value})

    assert f"the header `{header}` must be" in mistake(answer)


@pytest.mark.parametrize(
    "body",
    [
        {"model_list": [{"model_name": "x"}]},
        {"api_base": "http://127.0.0.1:9"},
        {"base_url": "http://127.0.0.1:9"},
        {"aws_bedrock_runtime_endpoint": "http://127.0.0.1:9"},
        {"langfuse_host": "http://127.0.0.1:9"},
        {"vertex_credentials": "os.environ/PATH"},
        {"litellm_embedding_config": {"api_base": "http://127.0.0.1:9"}},
        {"metadata": {"langfuse_host": "http://127.0.0.1:9"}},
        {"input_cost_per_token": 0},
    ],
)
def test_parameters_that_litellm_forbids_are_a_mistake_of_the_caller(plain, body: dict[str, Any]) -> None:
    answer = plain.client.post("/v1/chat/completions", json={**CHAT, **body})

    assert mistake(answer)


def test_a_body_in_many_pieces_arrives_whole(plain) -> None:
    text = json.dumps(CHAT).encode()
    pieces = [b"  ", b"\n", *(text[i : i + 1] for i in range(len(text)))]
    answer = plain.client.post("/v1/chat/completions", content=iter(pieces), headers=JSON)

    assert answer.status_code == 200, answer.text


def test_forms_are_no_json_and_go_on(plain) -> None:
    file = {"file": ("a.wav", b"RIFF\x00\x00\x00\x00WAVE", "audio/wav")}
    answer = plain.client.post("/v1/audio/transcriptions", data={"model": "openai/m"}, files=file)

    assert answer.status_code < 500, answer.text
    assert "must be a JSON object" not in answer.text
