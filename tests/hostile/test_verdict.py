"""The walk finds what it looks for: here the proxy is the provider itself, so that everything is wrong."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.hostile.installation import OPERATORS_KEY
from tests.hostile.recorder import Call, Recorder
from tests.hostile.routes import WEBSOCKET, Probe, probes
from tests.hostile.verdict import (
    faults_of_ours,
    keys_astray,
    secrets_in,
    secrets_of,
    tracebacks_through_us,
    uncounted,
)
from tests.hostile.walk import Answer, guilty, reached, walked
from tests.patience import ANSWER_S

TEXT = [{"role": "user", "content": "Hello"}]
CHAT = Probe("/v1/chat/completions", "POST", "/openai/v1/chat/completions", {"model": "m", "messages": TEXT})


class Leaky:
    """A proxy that governs nothing: each request goes to the provider as it is."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.url = self.recorder.url
        self.client = httpx.Client(base_url=self.url, timeout=ANSWER_S, trust_env=False)

    def taken(self) -> list[Call]:
        return self.recorder.taken()


@pytest.fixture(scope="module")
def leaky() -> Iterator[Leaky]:
    gateway = Leaky()
    yield gateway
    gateway.recorder.close()


def test_a_route_that_reaches_a_provider_is_named_among_those_that_do_not(leaky: Leaky) -> None:
    reads = [Probe("/v1/models", "GET", f"/openai/v1/files/{n}") for n in range(3)]
    batch = [*reads, CHAT]
    walked(leaky, batch, "sk-spent")

    assert reached(leaky.taken()) == ["POST /openai/v1/chat/completions"]
    assert [probe for probe, _ in guilty(leaky, batch, "sk-spent", reached)] == [CHAT]


def test_a_session_over_a_websocket_is_a_call(leaky: Leaky) -> None:
    answers = walked(leaky, [Probe("/v1/realtime", WEBSOCKET, "/v1/realtime", query={"model": "m"})], None)

    assert answers[0].status == 101
    assert reached(leaky.taken()) == ["WEBSOCKET /v1/realtime"]


def test_the_way_out_of_the_proxy_is_recorded(leaky: Leaky) -> None:
    leaky.taken()
    with pytest.raises(httpx.HTTPError):
        httpx.get("https://api.openai.com/v1/models", proxy=leaky.recorder.outside, timeout=ANSWER_S)

    assert reached(leaky.taken()) == ["CONNECT api.openai.com:443"]


def test_what_was_delivered_and_not_counted_is_found(leaky: Leaky) -> None:
    leaky.taken()
    walked(leaky, [CHAT, CHAT], None)
    calls = leaky.taken()

    assert [call.told_tokens for call in calls] == [1_001, 1_001]
    assert list(uncounted(calls, 2, 2_002)) == []
    assert len(list(uncounted(calls, 0, 0))) == 2
    assert len(list(uncounted(calls, 2, 2_001))) == 1


def test_a_secret_in_an_answer_or_in_a_log_is_found() -> None:
    secret = OPERATORS_KEY.format("groq")

    assert list(secrets_of([Answer(CHAT, 200, f"your key is {secret}")]))
    assert list(secrets_of([Answer(CHAT, 200, "", {"x-key": secret})]))
    assert list(secrets_in("the log", f"sent with {secret}"))
    assert not list(secrets_of([Answer(CHAT, 200, "your key is sk-...")]))


def test_a_key_that_goes_to_another_provider_is_found() -> None:
    key = {"authorization": f"Bearer {OPERATORS_KEY.format('openai')}"}

    assert list(keys_astray([Call("POST", "/groq/v1/chat/completions", key, b"")]))
    assert not list(keys_astray([Call("POST", "/openai/v1/chat/completions", key, b"")]))
    assert list(keys_astray([Call("POST", "/openai/v1/x", {}, b'{"a": "secret-in-the-environment-b83a"}')]))


def test_a_500_is_ours_unless_litellm_is_known_to_make_it() -> None:
    assert list(faults_of_ours([Answer(CHAT, 500, "KeyError: 'x'")]))
    assert list(faults_of_ours([Answer(CHAT, 503, "no", {"x-governance-decision-id": "1"})]))
    forbidden = Answer(Probe("/v1/x input_cost", "POST", "/v1/x"), 500, "Internal Server Error")
    assert list(faults_of_ours([forbidden], "ValueError: Rejected Request: input_cost_per_token is not"))
    assert not list(faults_of_ours([forbidden], "ValueError: Rejected Request: input_cost is not allowed"))
    keyless = Answer(Probe("/langfuse", "POST", "/langfuse/api/public/ingestion"), 500, "Internal Server Error")
    assert list(faults_of_ours([keyless], "IndexError: list index out of range"))
    failed = 'File "/x.py", line 180, in langfuse_proxy_route\n  REDACTED\nIndexError: list index out of range'
    assert not list(faults_of_ours([keyless], failed))
    assert not list(faults_of_ours([Answer(CHAT, 500, '{"detail": "DB not connected"}'), Answer(CHAT, 400, "no")]))


def test_a_traceback_that_ends_in_our_code_is_found_and_a_refusal_is_none() -> None:
    begin = 'Traceback (most recent call last):\n  File "/x/litellm/utils.py", line 1, in f\n    g()\n'
    ours = '  File "/x/governance/proxy/body.py", line 9, in judge\n    y()\n'
    theirs = '  File "/x/litellm/router.py", line 9, in h\n    y()\n'

    assert list(tracebacks_through_us(f"{begin}{ours}TypeError: no\n"))
    assert not list(tracebacks_through_us(f"{begin}{ours}governance.proxy.translate.Refused\n"))
    assert not list(tracebacks_through_us(f"{begin}{ours}{theirs}TypeError: no\n"))


def test_every_operation_is_a_probe_with_nothing_left_to_fill_in() -> None:
    operation = {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}
    schema = {"required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "type": "object"}
    openapi = {
        "paths": {"/new/{thing}": {"post": operation, "get": {}}, "/v1/{endpoint}": {"patch": {}}},
        "components": {"schemas": {"A": schema}},
    }

    found = {(p.method, p.route): p for p in probes(openapi)}
    assert found["POST", "/new/{thing}"].path == "/new/walked-1"
    assert found["POST", "/new/{thing}"].body["a"] == 1
    assert {("GET", "/new/{thing}"), ("PATCH", "/v1/{endpoint}"), (WEBSOCKET, "/v1/realtime")} <= set(found)
    assert not [probe for probe in found.values() if "{" in probe.path]
    assert all(json.dumps(probe.body) for probe in found.values())
