"""Nothing of a request is left when it is over, and that needs no collector: it would stop the proxy to find it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Providers, Proxy, Start
from tests.patience import tries

POLICY = """\
version: 1
routing_profiles:
  - name: Pinned
    virtual_provider: pinned
    targets:
      - {provider: cerebras, priority: 1, limits: {requests: 1000/minute, tokens: 1M/minute, concurrent: 100}}
      - {provider: groq, priority: 2}
"""


@pytest.fixture(scope="module")
def counted(start: Start, configuration: Callable[..., dict[str, Any]]) -> Iterator[Proxy]:
    config = configuration()
    config["litellm_settings"]["callbacks"] = ["governance.proxy.callback.handler", "census.counting"]
    with start(POLICY, config) as running:
        running.client.post("/census/soon").raise_for_status()
        yield running


def left(proxy: Proxy) -> dict[str, int]:
    """What is alive of requests, when it becomes no less."""
    found: dict[str, int] = {}
    for _ in tries():
        found = proxy.client.get("/census").json()
        if not any(found.values()):
            break
    return found


def test_plain_answers(counted: Proxy) -> None:
    for _ in range(5):
        assert counted.chat("pinned/plain").status_code == 200

    assert left(counted) == {"Live": 0, "Decision": 0}


def test_streams(counted: Proxy) -> None:
    for _ in range(3):
        assert counted.chat("pinned/streamed", stream=True).status_code == 200

    assert left(counted) == {"Live": 0, "Decision": 0}


def test_streams_whose_caller_leaves(counted: Proxy, providers: Providers) -> None:
    providers.fail("cerebras", chunk_delay_ms=200)
    body = {"model": "pinned/left", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    with counted.client.stream("POST", "/v1/chat/completions", json=body) as answer:
        next(answer.iter_lines())

    assert left(counted) == {"Live": 0, "Decision": 0}


def test_requests_that_fail_at_one_target_or_at_all(counted: Proxy, providers: Providers) -> None:
    providers.fail("cerebras", status=500)
    assert counted.chat("pinned/hopping").status_code == 200
    providers.fail("groq", status=500)
    assert counted.chat("pinned/failing").status_code >= 500

    assert left(counted) == {"Live": 0, "Decision": 0}


def test_refused_requests(counted: Proxy) -> None:
    assert counted.chat("pinned/", text="nothing").status_code == 400

    assert left(counted) == {"Live": 0, "Decision": 0}
