"""Task routing on a real proxy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

POLICY = """
version: 1
task_routing:
  active_profile: lab
  profiles:
    lab:
      code: [cerebras/coder, openai/coder]
      creative: [nowhere/poet, openai/poet]
      fallback: groq/last
    seeing:
      general: [openai/gpt-4o]
      fallback: groq/last
    blind:
      fallback: [openai/gpt-3.5-turbo, groq/last]
failover: {}
"""
FIX = [{"role": "user", "content": "Fix the bug in this Python function"}]
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
LOOK = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, IMAGE]}]


@pytest.fixture(scope="module")
def tasks(start: Any) -> Iterator[Any]:
    with start(POLICY) as running:
        yield running


def ask(proxy: Any, model: str, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    answer: httpx.Response = proxy.client.post(
        "/v1/chat/completions", json={"model": model, "messages": FIX, **body}, headers=headers or {}
    )
    return answer


def test_auto_is_the_active_profile_and_the_task_that_is_found(tasks) -> None:
    answer = ask(tasks, "auto")

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-governance-target"] == "cerebras/coder"
    assert (answer.headers["x-governance-profile"], answer.headers["x-governance-task"]) == ("lab", "code")
    record = tasks.decision(answer.headers["x-governance-decision-id"])
    assert record["request"]["task"] == "code"
    assert "task code by classifier heuristic, " in record["steps"][0]["did"]
    assert "Python" not in json.dumps(record)


@pytest.mark.parametrize("model", ["eco/code", "ECO/Code"])
def test_a_task_may_be_named(tasks, model: str) -> None:
    assert ask(tasks, model).headers["x-governance-target"] == "openai/gpt-6-luna"


def test_headers_and_metadata_are_hints(tasks) -> None:
    by_header = ask(tasks, "auto", {"x-governance-task": "fast", "x-governance-profile": "blind"})
    by_metadata = ask(tasks, "auto", metadata={"task": "general"})

    assert (by_header.headers["x-governance-profile"], by_header.headers["x-governance-task"]) == ("blind", "fast")
    assert by_metadata.headers["x-governance-target"] == "groq/last"


def test_the_profile_of_a_key_is_in_its_verified_metadata(tasks) -> None:
    key = "sk-" + json.dumps({"models": [], "metadata": {"governance_profile": "eco"}})

    assert ask(tasks, "auto/code", {"authorization": f"Bearer {key}"}).headers["x-governance-profile"] == "eco"


def test_an_unknown_task_is_refused_with_those_that_are_known(tasks) -> None:
    answer = ask(tasks, "lab/poetry")

    assert answer.status_code == 400
    message = answer.json()["error"]["message"]
    assert "`poetry` (the model's name) is no task; there are code, general, fast, creative, " in message


def test_the_messages_api_is_classified_too(tasks) -> None:
    body = {"model": "auto", "max_tokens": 50, "messages": FIX}
    answer = tasks.client.post("/v1/messages", json=body)

    assert (answer.status_code, answer.headers["x-governance-task"]) == (200, "code"), answer.text


def test_the_responses_api_is_classified_too(tasks) -> None:
    answer = tasks.client.post("/v1/responses", json={"model": "auto", "input": FIX[0]["content"]})

    assert (answer.status_code, answer.headers["x-governance-task"]) == (200, "code"), answer.text


def test_an_image_goes_to_a_model_that_sees_and_to_no_other(tasks) -> None:
    assert ask(tasks, "seeing/general", messages=LOOK).headers["x-governance-target"] == "openai/gpt-4o"

    answer = ask(tasks, "blind/general", messages=LOOK)
    message = answer.json()["error"]["message"]
    assert answer.status_code == 400
    assert "openai/gpt-3.5-turbo: capability_mismatch" in message
    assert "groq/last: capability_mismatch (brings image, and nobody says that it takes that)" in message


def test_a_dead_model_is_climbed_over_and_the_climb_is_recorded(tasks, providers) -> None:
    providers.fail("cerebras", status=500)
    answer = ask(tasks, "lab/code")

    assert answer.headers["x-governance-target"] == "openai/coder"
    record = tasks.decision(answer.headers["x-governance-decision-id"])
    assert [(a["target"], a["outcome"]) for a in record["attempts"]] == [
        ("cerebras/coder", "failed"),
        ("openai/coder", "ok"),
    ]


def test_a_missing_model_is_climbed_over_and_the_climb_is_recorded(tasks) -> None:
    answer = ask(tasks, "lab/creative")

    assert answer.headers["x-governance-target"] == "openai/poet"
    record = tasks.decision(answer.headers["x-governance-decision-id"])
    assert "nowhere/poet: not_configured; climbed to openai/poet" in record["steps"][0]["did"]


def test_profiles_are_listed_as_models_of_the_proxy(tasks) -> None:
    listed = {model["id"] for model in tasks.client.get("/v1/models").json()["data"]}

    assert {"auto", "lab", "lab/code", "eco", "eco/code", "premium/reasoning"} <= listed


def test_a_key_is_held_to_its_model_list(tasks) -> None:
    key = "sk-" + json.dumps({"models": ["eco/*", "eco"], "user_id": "u"})

    assert ask(tasks, "eco/code", {"authorization": f"Bearer {key}"}).status_code == 200
    assert ask(tasks, "premium/code", {"authorization": f"Bearer {key}"}).status_code == 403
