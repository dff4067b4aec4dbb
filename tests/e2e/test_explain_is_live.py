"""`governance explain` decides as the proxy does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

POLICY = Path(__file__).parent / "policy.yaml"
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}]
TEXT = [{"role": "user", "content": "How are you today? " * 20}]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]


def explained(body: dict[str, Any], folder: Path, proxy) -> dict[str, Any]:
    given = {"call_type": "acompletion", "body": body, "identity": {"user_id": "admin", "virtual_key_id": "the key"}}
    command = [sys.executable, "-c", "from governance.cli import main; main()", "explain", "-", "--json"]
    config = proxy.output.parent / "litellm.yaml"
    done = subprocess.run(
        [*command, "--policy", str(POLICY), "--config", str(config)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def comparable(record: dict[str, Any]) -> dict[str, Any]:
    """All of a record but what must differ: its own id and time, what happened after the decision, what a record that
    is kept says for whoever decides it once more, and what only who explains is told of the models.
    """
    apart = ("id", "at", "mode", "served", "attempts", "usage", "policy_revision", "inputs", "unrecorded", "weight")
    apart += ("who_serves",)
    same = {k: v for k, v in record.items() if k not in apart}
    same["steps"] = [(step["plugin"], step["hook"], step["did"]) for step in record["steps"]]
    same["windows"] = [{k: v for k, v in window.items() if k != "resets_at"} for window in record["windows"]]
    same["identity"] = {**record["identity"], "virtual_key_id": ""}
    return same


@pytest.mark.parametrize(
    "body",
    [
        {"model": "fast/explained", "messages": TEXT},
        {"model": "FAST/explained", "messages": TEXT, "stream": True, "max_tokens": 7},
        {"model": "light/light", "messages": TEXT},
        {"model": "light/unknown", "messages": TEXT},
        {"model": "tokens/explained", "messages": TEXT, "max_tokens": 500},
        {"model": "tokens/explained-large", "messages": TEXT, "max_tokens": 5000},
        {"model": "toolbox/explained", "messages": IMAGE},
        {"model": "toolbox/explained", "messages": TEXT, "tools": TOOLS},
        {"model": "groq/explained", "messages": TEXT, "fallbacks": ["light/light", "openai/explained"]},
        {"model": "fast/explained", "messages": TEXT, "response_format": {"type": "json_object"}},
    ],
    ids=lambda body: body["model"],
)
def test_explain_and_the_live_proxy_make_the_same_decision(proxy, tmp_path: Path, body: dict[str, Any]) -> None:
    answer = proxy.client.post("/v1/chat/completions", json=body)
    live = proxy.decision(answer.headers["x-governance-decision-id"])

    assert comparable(explained(body, tmp_path, proxy)) == comparable(live)
    assert live["policy_revision"] == explained(body, tmp_path, proxy)["policy_revision"]
