"""Conversations stay where their prompts are cached, by weight over many of them, also while one target is ill.

`GOVERNANCE_CONVERSATIONS=200x20` (`make talks`) plays so many conversations of so many turns, with one target ill for
a minute.
"""

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.remembering import remembering

POLICY = """
version: 1
failover: {}
routing_profiles:
- name: Staying
  virtual_provider: stay
  strategy: weighted
  affinity: {key: auto, ttl: 5m}
  targets: [{group: one}, {group: two}, {group: pool, weight: 2}]
"""
FULL = os.environ.get("GOVERNANCE_CONVERSATIONS", "")
CONVERSATIONS, TURNS = map(int, FULL.split("x")) if FULL else (40, 8)
ILL_FROM, ILL_TURNS, ILL_S = TURNS // 4, 3, 60.0 if FULL else 0.0
ACCOUNTS = {"one": "one", "two": "two", "left": "pool", "right": "pool"}


def entry(account: str, url: str) -> dict[str, object]:
    params = {"model": "openai/gpt-5", "api_key": f"sk-{account}", "api_base": f"{url}/{account}/v1"}
    return {"model_name": ACCOUNTS[account], "litellm_params": params, "model_info": {"id": f"of-{account}"}}


@pytest.fixture(scope="module")
def accounts():
    with remembering() as found:
        yield found


@pytest.fixture(scope="module")
def staying(start, configuration, accounts, redis_url):
    config = configuration()
    config["model_list"] = [entry(account, accounts.url) for account in ACCOUNTS]
    with start(f"{POLICY}ledger: {{url: '{redis_url}'}}\n", config) as running:
        yield running


class Conversation:
    """One of many: named in four ways, one of them only by how it begins; each third is streamed."""

    def __init__(self, proxy, number: int) -> None:
        self._proxy = proxy
        self._messages = [
            {"role": "system", "content": f"Conversation {number}. " + "All that there is to know. " * 250}
        ]
        kinds = ({"prompt_cache_key": f"c{number}"}, {"metadata": {"session_id": f"c{number}"}}, {}, {})
        self._body = {**kinds[number % 4], "stream": number % 3 == 0}
        self._headers = {"x-session-id": f"c{number}"} if number % 4 == 2 else {}
        self.targets: list[str] = []
        self.last = ""

    def turn(self) -> None:
        self._messages.append({"role": "user", "content": f"Turn {len(self.targets)}."})
        body = {"model": "stay/any", "messages": self._messages, **self._body}
        answer = self._proxy.client.post("/v1/chat/completions", json=body, headers=self._headers)
        assert answer.status_code == 200, answer.text
        assert "Go on." in answer.text, answer.text
        self._messages.append({"role": "assistant", "content": "Go on."})
        self.targets.append(answer.headers["x-governance-target"])
        self.last = answer.headers["x-governance-decision-id"]


def test_conversations_stay_by_weight_and_move_once_when_their_target_is_ill(staying, accounts) -> None:
    conversations = [Conversation(staying, number) for number in range(CONVERSATIONS)]
    received_ill, ill_since_s = 0, 0.0
    with ThreadPoolExecutor(8 if FULL else 1) as pool:
        for turn in range(TURNS):
            if turn == ILL_FROM:
                accounts.ill.add("one")
                before, ill_since_s = accounts.received["one"], time.monotonic()
            over = turn >= ILL_FROM + ILL_TURNS and time.monotonic() - ill_since_s >= ILL_S
            if accounts.ill and over:
                received_ill = accounts.received["one"] - before
                accounts.ill.clear()
            list(pool.map(Conversation.turn, conversations))
    if accounts.ill:
        received_ill = accounts.received["one"] - before
        accounts.ill.clear()

    began = Counter(conversation.targets[0] for conversation in conversations)
    hits = accounts.cached / accounts.possible
    moved = [len(set(c.targets[1:])) for c in conversations]
    print(f"{CONVERSATIONS}x{TURNS}: hits {hits:.2%} of the possible, began {dict(began)}, ill asked {received_ill}")
    assert hits >= 0.95
    shares = {"group:one": 0.25, "group:two": 0.25, "group:pool": 0.5}
    assert all(abs(began[name] / CONVERSATIONS - share) <= (0.05 if FULL else 0.2) for name, share in shares.items())
    assert max(moved) <= 2, "whoever moves, moves once"
    for conversation in conversations:
        after = conversation.targets[ILL_FROM:]
        assert len(set(after)) == 1, "re-pinned within one turn, and there it stays"
    # One finds out; then one at a time probes it, every 15 seconds.
    assert received_ill <= 1 + (ILL_S + 30) // 15 + (8 if FULL else 0)


def test_the_record_tells_why(staying, accounts) -> None:
    conversation = Conversation(staying, 1_000_001)
    for _ in range(3):
        conversation.turn()

    record = staying.decision(conversation.last)
    assert record["affinity"]["key"] == "session"
    assert record["affinity"]["pinned"] == record["model"]
    assert record["affinity"]["cached_tokens"] > 1_000
    assert record["usage"]["cached_tokens"] > 1_000
    chosen = next(candidate for candidate in record["candidates"] if candidate["chosen"])
    assert "tokens of the prompt cached" in chosen["detail"]
    assert record["attempts"][-1]["deployment"].startswith("of-")
