"""`governance explain --live` asks the proxy itself, by its own pages."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests import patience

MASTER_KEY = "sk-end-to-end-tests-only"
Explain = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def explain(proxy: Any) -> Explain:
    def run(*arguments: str, key: str = MASTER_KEY, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", "from governance.cli import main; main()", "explain", "--live"]
        environment = {**os.environ, "LITELLM_MASTER_KEY": key, "COLUMNS": "200"}
        return patience.run([*command, "--url", proxy.url, *arguments], stdin, env=environment)

    return run


def test_a_decision_of_the_proxy_is_shown_by_its_id(proxy: Any, explain: Explain) -> None:
    decision_id = proxy.chat("fast/asked-about").headers["x-governance-decision-id"]
    proxy.decision(decision_id)
    done = explain(decision_id)

    assert done.returncode == 0, done.stderr
    assert f"decision {decision_id} at " in done.stdout
    assert "✔ cerebras/asked-about  ok, " in done.stdout
    assert decision_id in explain().stdout


def test_the_proxy_decides_a_request_by_what_it_has_counted(proxy: Any, explain: Explain) -> None:
    asked = json.dumps({"body": {"model": "small/simulated"}})
    before = [json.loads(explain("-", "--json", stdin=asked).stdout) for _ in range(2)]
    for _ in range(2):
        assert proxy.chat("small/simulated").status_code == 200
    after = json.loads(explain("-", "--json", stdin=asked).stdout)

    assert [record["windows"][0]["used_before"] for record in before] == [0, 0]
    assert (after["mode"], after["refusal"]["status"], after["windows"][0]["used_before"]) == ("simulated", 429, 2)


def test_only_admins_may_ask(explain: Explain) -> None:
    for key in ('sk-{"user_id":"somebody"}', "sk-nonsense"):
        done = explain("-", key=key, stdin='{"body": {"model": "small/simulated"}}')

        assert (done.returncode, done.stdout) == (3, "")
