"""Endpoints beside chat: counted, or shut for whom a limit binds, and open for others and where the policy says so."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.any_provider import Recorder
from tests.e2e.conftest import key
from tests.patience import ANSWER_S

POLICY = """\
version: 1
access: {ungoverned: [containers]}
budgets:
  - name: counted
    subject: {team: payers}
    amount: 100 USD/day
    unpriced: {assume: {input: 1 USD/1M, output: 10 USD/1M}}
rate_limits:
  - {name: spent, subject: {team: poor}, requests: 1/day}
  - {name: shadow, subject: everyone, requests: 1/day, mode: shadow}
  - {name: chats, subject: {team: talkers}, match: 'request_type == "chat"', requests: 1000/day}
"""
THROUGH = {"allowed_passthrough_routes": ["/raw/chat"]}
POOR, TALKER, FREE, PAYER = (key(team_id=team, metadata=THROUGH) for team in ("poor", "talkers", "rich", "payers"))
CHAT = {"model": "openai/m", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


def deployment(name: str, **parameters: str | float) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": name, "api_key": "not-a-key", **parameters}}


@pytest.fixture(scope="module")
def shut(start, configuration, recorder):
    config = configuration()
    for entry in config["model_list"]:
        entry["litellm_params"]["api_base"] = recorder.url
    aws = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "aws_region_name": "us-east-1"}
    config["model_list"] += [
        deployment("mistral/ocr", api_base=recorder.url, ocr_cost_per_page=0.004),
        {**deployment("hosted_vllm/m", api_base=recorder.url), "model_name": "relayed"},
        deployment("bedrock/anthropic.claude-3", aws_bedrock_runtime_endpoint=recorder.url, **aws),
    ]
    config["general_settings"]["pass_through_endpoints"][0]["target"] = f"{recorder.url}/unknown"
    with pytest.MonkeyPatch.context() as environment:
        for provider in ("OPENAI", "MISTRAL", "GEMINI", "ANTHROPIC", "COHERE", "HOSTED_VLLM", "VLLM"):
            environment.setenv(f"{provider}_API_BASE", recorder.url)
            environment.setenv(f"{provider}_API_KEY", "not-a-key")
        with start(POLICY, config) as running:
            ask(running, "/v1/chat/completions", CHAT, POOR)
            yield running


@pytest.fixture(autouse=True)
def quiet(recorder: Recorder) -> None:
    recorder.asked.clear()


def ask(proxy, path: str, body: dict[str, Any], caller: str, method: str = "POST") -> httpx.Response:
    # Google's clients send the key in a header of their own.
    headers = {"authorization": f"Bearer {caller}"} if "/gemini/" not in path else {"x-goog-api-key": caller}
    answer: httpx.Response = proxy.client.request(method, path, json=body, headers=headers)
    return answer


DOCUMENT = {"type": "document_url", "document_url": "https://x/y"}
CONVERSE = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
BEDROCK = "bedrock/anthropic.claude-3"
SHUT: dict[str, tuple[str, dict[str, Any]]] = {
    "/v1/videos/video_1/remix": ("videos", {"prompt": "a dog"}),
    "/v1beta/interactions": ("interactions", {"model": "gemini/gemini-2.5-flash", "input": "Hello"}),
    "/interactions": ("interactions", {"agent": "deep-research", "input": "Hello"}),
    "/vllm/v1/chat/completions": ("model_pass_through", {**CHAT, "model": "relayed"}),
    "/v1/vector_stores": ("vector_stores", {"name": "x"}),
    "/v1/vector_stores/vs_1/search": ("vector_stores", {"query": "x"}),
    "/v1/realtime/client_secrets": ("realtime", {"session": {"type": "realtime", "model": "openai/gpt-realtime"}}),
    "/v1/realtime/transcription_sessions": ("realtime", {"model": "openai/gpt-realtime"}),
    "/v1/batches": (
        "batches",
        {"input_file_id": "f", "endpoint": "/v1/chat/completions", "completion_window": "24h"},
    ),
    "/openai/v1/batches": (
        "batches",
        {"input_file_id": "f", "endpoint": "/v1/chat/completions", "completion_window": "24h"},
    ),
    "/v1/files": ("files", {}),
    "/v1/fine_tuning/jobs": ("fine_tuning", {"model": "openai/m", "training_file": "f"}),
    "/v1/threads": ("assistants", {}),
    "/v1/threads/t/runs": ("assistants", {"assistant_id": "a"}),
    "/v1/rag/query": ("rag", {**CHAT, "retrieval_config": {"vector_store_id": "x"}}),
    "/v1/evals": ("evals", {"name": "x"}),
    "/a2a/agent": ("agents", {"jsonrpc": "2.0", "id": "1", "method": "message/send", "params": {}}),
    "/queue/chat/completions": ("queue", {**CHAT, "priority": 0}),
}


@pytest.mark.parametrize("caller", [POOR, TALKER], ids=["used up", "limited"])
@pytest.mark.parametrize("path", SHUT)
def test_what_nothing_counts_is_shut_for_whom_a_limit_binds(shut, recorder, path: str, caller: str) -> None:
    name, body = SHUT[path]

    answer = ask(shut, path, body, caller)

    assert answer.status_code == 403, answer.text
    # The protocol of agents has a shape of its own for errors, without room for our code.
    assert "endpoint_not_governed" in answer.text or "jsonrpc" in answer.text
    assert f"ungoverned: [{name}]" in answer.text
    assert recorder.asked == []


@pytest.mark.parametrize(
    "path",
    [
        "/v1/vector_stores",
        "/vllm/v1/chat/completions",
        "/v1/realtime/client_secrets",
    ],
)
def test_and_open_for_whom_none_binds(shut, recorder, path: str) -> None:
    answer = ask(shut, path, SHUT[path][1], FREE)

    assert "endpoint_not_governed" not in answer.text
    assert len(recorder.asked) == 1, answer.text


def test_and_where_the_policy_opens_it(shut, recorder) -> None:
    answer = ask(shut, "/v1/containers", {"name": "x"}, POOR)

    assert "endpoint_not_governed" not in answer.text
    assert len(recorder.asked) == 1, answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/openai_passthrough/v1/chat/completions", CHAT),
        ("/openai/v1/embeddings", {"model": "m", "input": "Hello"}),
        ("/gemini/v1beta/models/gemini-2.5-flash:generateContent", {"contents": [{"parts": [{"text": "Hello"}]}]}),
        ("/mistral/v1/chat/completions", CHAT),
        ("/raw/chat", CHAT),
        ("/v1/images/generations", {"prompt": "a cat"}),
        ("/v1/moderations", {"input": "Hello"}),
        ("/v1/chat/completions", CHAT),
        ("/v1/responses/compact", {"model": "openai/m", "input": "Hello"}),
        ("/v1/ocr", {"model": "mistral/ocr", "document": DOCUMENT}),
        ("/v1/ocr", {"document": DOCUMENT}),
        ("/v1/videos", {"model": "openai/sora-2", "prompt": "a cat"}),
        (f"/bedrock/model/{BEDROCK}/converse", CONVERSE),
        (f"/bedrock/model/{BEDROCK}/converse-stream", CONVERSE),
        (f"/bedrock/model/{BEDROCK}/invoke", {"prompt": "Hello"}),
        ("/bedrock/model/amazon.nova-lite-v1:0/converse", CONVERSE),
    ],
)
def test_what_is_counted_is_refused_to_whose_limit_is_used_up(shut, recorder, path: str, body: dict[str, Any]) -> None:
    answer = ask(shut, path, body, POOR)

    assert answer.status_code in (400, 429), answer.text
    assert "spent" in answer.text or "name a model" in answer.text
    assert recorder.asked == []


def test_an_image_that_is_edited_is_counted_and_refused_like_them(shut, recorder) -> None:
    answer = shut.client.post(
        "/v1/images/edits",
        data={"model": "openai/gpt-image-1", "prompt": "a cat"},
        files={"image": ("cat.png", b"PNG", "image/png")},
        headers={"authorization": f"Bearer {POOR}"},
    )

    assert answer.status_code == 429, answer.text
    assert "spent" in answer.text
    assert recorder.asked == []


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("/v1/responses/compact", {"model": "openai/compacted", "input": "Hello"}, "openai/compacted"),
        ("/raw/chat", {**CHAT, "model": "of-a-stranger"}, "of-a-stranger"),
        ("/raw/chat", {**CHAT, "model": "streamed-by-a-stranger", "stream": True}, "streamed-by-a-stranger"),
        (f"/bedrock/model/{BEDROCK}/converse", CONVERSE, BEDROCK),
    ],
)
def test_the_tokens_of_an_answer_are_counted(shut, recorder, path: str, body: dict[str, Any], model: str) -> None:
    answer = ask(shut, path, body, PAYER)
    assert answer.status_code == 200, answer.text

    record = shut.told_of(model)

    assert (record["usage"]["input_tokens"], record["usage"]["output_tokens"]) == (300, 40)
    assert record["usage"]["cost_usd_micros"] >= 300
    assert any(window["limit"] == "counted" for window in record["windows"])


@pytest.mark.parametrize(
    ("path", "body", "model", "request_type", "usd_micros"),
    [
        # Three pages of a model that states its price, four seconds of one that the map has.
        ("/v1/ocr", {"model": "mistral/ocr", "document": DOCUMENT}, "mistral/ocr", "ocr", 12_000),
        ("/v1/videos", {"model": "openai/sora-2", "prompt": "a cat"}, "openai/sora-2", "video_generation", 400_000),
    ],
)
def test_documents_and_videos_are_counted(
    shut, recorder, path: str, body: dict[str, Any], model: str, request_type: str, usd_micros: int
) -> None:
    answer = ask(shut, path, body, PAYER)
    assert answer.status_code == 200, answer.text

    record = shut.told_of(model)

    assert record["request"]["request_type"] == request_type
    assert record["attempts"][-1]["outcome"] == "ok"
    assert any(window["limit"] == "counted" for window in record["windows"])
    assert record["usage"]["cost_usd_micros"] == usd_micros


def test_what_costs_nothing_stays_open(shut, recorder) -> None:
    for path in ("/v1/files/f", "/v1/videos/video_1", "/v1/responses/resp_1", "/v1/batches/b"):
        answer = ask(shut, path, {}, POOR, "GET")

        assert "endpoint_not_governed" not in answer.text
    assert len(recorder.asked) >= 2
    assert ask(shut, "/v1/models", {}, POOR, "GET").status_code == 200
    assert "endpoint_not_governed" not in ask(shut, "/v1/responses/resp_1/cancel", {}, POOR).text


def test_what_is_said_on_a_web_socket_is_not_begun(shut, recorder) -> None:
    answer = httpx.get(
        f"{shut.url}/v1/realtime?model=openai/gpt-realtime",
        headers={
            "authorization": f"Bearer {POOR}",
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
        timeout=ANSWER_S,
    )

    assert answer.status_code == 403, answer.text
    assert recorder.asked == []


def test_each_is_told_in_metrics_and_in_the_record(shut) -> None:
    answer = ask(shut, "/v1/vector_stores", SHUT["/v1/vector_stores"][1], POOR)
    record = shut.decision(answer.headers["x-governance-decision-id"])
    page = shut.client.get("/governance/metrics").text

    assert record["outcome"] == "refuse"
    assert record["request"]["request_type"] == "vector_stores"
    assert 'governance_ungoverned_total{endpoint="vector_stores",outcome="refused"}' in page
    assert 'governance_ungoverned_total{endpoint="containers",outcome="passed"}' in page
