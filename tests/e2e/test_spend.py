"""Who spent what, at a real proxy of two workers over Redis: to the micro-dollar what budgets have settled, also when a
worker is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from governance.usecases.traffic import verify
from tests.e2e.conftest import MASTER_KEY, Proxy, Start, key, litellm_config
from tests.patience import ANSWER_S, run, tries

POLICY = """
version: 1
ledger: {{url: "{redis}"}}
store: {{url: "sqlite:///{folder}/governance.db"}}
telemetry: {{trace: {{to: "{folder}/trace"}}}}
routing_profiles:
- name: Fast
  virtual_provider: fast
  targets: [{{provider: cerebras}}, {{provider: groq}}]
rate_limits: [{{name: a few, subject: {{team: small}}, requests: 3/hour}}]
budgets:
- {{name: everybody, subject: everyone, amount: 1000 USD/month}}
- {{name: each team, subject: {{team: "*"}}, amount: 1000 USD/month}}
- {{name: each key, subject: {{virtual_key: "*"}}, amount: 1000 USD/month}}
"""
PRICED = {"input_cost_per_token": 0.0000013, "output_cost_per_token": 0.0000077, "api_key": "not-a-key"}


class Spent(NamedTuple):
    proxy: Proxy
    folder: Path

    def get(self, path: str, **asked: str) -> Any:
        return self.proxy.client.get(f"/governance/api/spend{path}", params=asked).raise_for_status().json()

    def windows(self, keys: int) -> dict[str, dict[str, Any]]:
        """Budgets by whom they count, once those of so many keys are known and nothing is reserved any more."""
        found: dict[str, dict[str, Any]] = {}
        for _ in tries():
            usage = self.proxy.client.get("/governance/api/usage", params={"size": "500"}).json()["windows"]
            found = {w["subject"]: w for w in usage if w["unit"] == "usd_micros"}
            known = sum(subject.startswith("virtual_key:") for subject in found)
            if known >= keys and not any(window["reserved"] for window in usage):
                break
        return found

    def workers(self) -> list[int]:
        asked = ["ps", "-o", "pid=,args=", "--ppid", str(self.proxy.pid)]
        told = subprocess.run(asked, capture_output=True, text=True).stdout
        return [int(line.split()[0]) for line in told.splitlines() if "resource_tracker" not in line]

    def written(self, lines: int) -> None:
        """Wait until so many decisions stand in the files."""
        assert any(verify(self.folder / "trace").lines >= lines for _ in tries())

    def counted(self, requests: int) -> dict[str, Any]:
        """What was spent, once so many requests are counted."""
        told: dict[str, Any] = {}
        for _ in tries(600):
            told = self.get("", by="team")
            if told["total"]["requests"] >= requests:
                break
        return told


@pytest.fixture(scope="module")
def spent(start: Start, providers, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spent]:
    folder = tmp_path_factory.mktemp("spend")
    models = [
        {
            "model_name": f"{name}/priced",
            "litellm_params": {"model": f"{name}/priced", "api_base": f"{providers.url}/{name}/v1", **PRICED},
        }
        for name in ("cerebras", "groq")
    ]
    config = litellm_config(providers.url, model_list=models)
    with start(POLICY.format(redis=redis_url, folder=folder), config, "--num_workers", "2") as proxy:
        yield Spent(proxy, folder)


def ask(proxy: Proxy, number: int) -> int:
    """One request of one of five teams, some of them streamed."""
    team = ("research", "sales", "small", "support", "ops")[number % 5]
    who = key(team_id=team, user_id=f"user-{number % 7}", token=f"{number % 3:064x}")
    text = "word " * (1 + number % 37)
    try:
        return proxy.chat("fast/priced", text, who, stream=number % 4 == 0, max_tokens=20 + number).status_code
    except httpx.TransportError:  # its worker was killed
        return 0


def test_every_micro_dollar_is_attributed_also_when_a_worker_is_killed(spent: Spent, providers) -> None:
    answers = [ask(spent.proxy, number) for number in range(40)]
    providers.fail("cerebras/priced", status=500)
    answers += [ask(spent.proxy, number) for number in range(40, 50)]
    providers.heal()
    # All of it is in the files and every window is known, and the last second of it is nowhere else yet.
    spent.written(50)
    spent.windows(keys=50)
    os.kill(spent.workers()[0], signal.SIGKILL)
    answers += [status for number in range(50, 70) if (status := ask(spent.proxy, number))]
    spent.written(len(answers))

    told = spent.counted(len(answers))

    by_key = {f"virtual_key:{row['key']}": row["usd_micros"] for row in spent.get("", by="key")["rows"]}
    windows = spent.windows(len(by_key))
    assert told["total"]["requests"] == len(answers)
    assert told["total"]["usd_micros"] == windows["everyone"]["used"] > 0
    by_team = {row["team"]: row["usd_micros"] for row in told["rows"]}
    assert {f"team:{team}": usd for team, usd in by_team.items()} == {
        subject: window["used"] for subject, window in windows.items() if subject.startswith("team:")
    }
    assert by_key == {s: window["used"] for s, window in windows.items() if s.startswith("virtual_key:")}
    codes = {row["code"]: row["requests"] for row in spent.get("", by="code")["rows"]}
    assert codes["requests_exhausted"] == answers.count(429) > 0
    targets = {row["target"]: row for row in spent.get("", by="target")["rows"]}
    assert targets["groq/priced"]["usd_micros"] > 0
    assert sum(row["usd_micros"] for row in targets.values()) == told["total"]["usd_micros"]
    compared = spent.get("/unattributed")["windows"]
    assert {row["limit"] for row in compared} == {"everybody", "each team", "each key"}
    assert {row["unattributed_usd_micros"] for row in compared} == {0}
    assert verify(spent.folder / "trace").faults == {}


def test_the_command_says_the_same_from_the_store_and_from_the_proxy(spent: Spent) -> None:
    total = spent.get("", by="team,model")["total"]
    policy = spent.folder / "copy.yaml"
    policy.write_text(f'version: 1\nstore: {{url: "sqlite:///{spent.folder}/governance.db"}}\n')
    command = [sys.executable, "-c", "from governance.cli import main; main()", "spend", "--by", "team,model", "--json"]

    for options in (["--policy", str(policy)], ["--url", spent.proxy.url]):
        done = run([*command, *options], env={**os.environ, "LITELLM_MASTER_KEY": MASTER_KEY})
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["total"] == total


def test_only_who_may_look_sees_what_others_spend(spent: Spent) -> None:
    for path in ("/governance/api/spend", "/governance/api/spend/unattributed"):
        url = f"{spent.proxy.url}{path}"
        assert httpx.get(url, timeout=ANSWER_S).status_code == 401
        user = {"authorization": f"Bearer {key(user_id='u', team_id='sales')}"}
        assert httpx.get(url, headers=user, timeout=ANSWER_S).status_code == 403
