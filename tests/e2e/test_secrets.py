"""What the environment fills in stands nowhere: on no page, in no log, record, metric or answer of a real proxy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.e2e.conftest import MASTER_KEY
from tests.patience import tries

SECRET = "q0Z{'qZ1+qZ2%qZ3é"
CONDITION = 'headers["x"] == "${SECRET}"'
POLICY: dict[str, Any] = {
    "ledger": {"url": "redis://user:${SECRET}@127.0.0.1:1/0", "on_unavailable": "allow"},
    "catalog": {
        "discovery": {
            "on_start": True,
            "allowed_hosts": ["127.0.0.1:1"],
            "providers": {"openai": {"api_base": "http://127.0.0.1:1/${SECRET}", "api_key": "${SECRET}"}},
        }
    },
    "telemetry": {
        "alerts": {"webhook": "http://127.0.0.1:1/${SECRET}?x=${SECRET}", "secret": "${SECRET}", "attempts": 1,
                   "allowed_hosts": ["127.0.0.1:1"]},
        "metrics": {"subjects": True},
    },
    "routing_profiles": [{"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": "cerebras"}]}],
    "routing_rules": [{"name": "r", "cel_expression": CONDITION, "targets": [{"provider": "groq", "model": "m"}]}],
    "rate_limits": [{"name": "l", "subject": "everyone", "requests": "1/hour", "alert_at": ["50%"]}],
    "budgets": [{"name": "b", "subject": "everyone", "amount": "1 USD/day", "match": CONDITION}],
}  # fmt: skip
BROKEN = {
    "ledger": {"url": "rediss://user:${SECRET}@h:6379?ssl_cert_reqs=${SECRET}"},
    "routing_rules": [{"name": "r", "cel_expression": "${SECRET}{} == 1", "targets": [{"provider": "groq"}]}],
    "keys": [{"name": "k", "sha256": "${SECRET}", "models": ["regex:(?P<${SECRET}"]}],
    "budgets": [{"name": "b ${SECRET}", "subject": "everyone", "amount": "1 ${SECRET}/day", "timezone": "${SECRET}"}],
}
PAGES = ("health", "metrics", "api/decisions", "api/usage", "api/models")


def repeated(told: str) -> set[str]:
    forms = [form.casefold() for form in (told, unquote(told), told.encode().decode("unicode_escape", "replace"))]
    folded = SECRET.casefold()
    return {folded[at : at + 6] for at in range(len(folded) - 5) if any(folded[at : at + 6] in form for form in forms)}


def test_nothing_that_people_read_holds_a_value_of_the_environment(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    with start(json.dumps(POLICY), None, "--detailed_debug") as proxy:
        said = [proxy.chat("fast/m").text, proxy.chat("fast/m", extra_headers={"x": "y"}).text]
        simulated = {"request": {"model": "fast/m"}}
        admin = {"authorization": f"Bearer {MASTER_KEY}"}
        said.append(proxy.client.post("/governance/api/simulate", json=simulated, headers=admin).text)
        (proxy.output.parent / "governance.yaml").write_text(json.dumps(BROKEN))
        health = ""
        for _ in tries():
            health = proxy.client.get("/governance/health", headers=admin).text
            if "is no time zone" in health:
                break
        said += [health, *(proxy.client.get(f"/governance/{page}", headers=admin).text for page in PAGES)]
        folder: Path = proxy.output.parent

    said += [file.read_text("utf-8", "replace") for file in (folder / "output.txt", folder / "decisions.jsonl")]
    assert "is no time zone" in health
    assert "the new policy is not used" in said[-2]
    assert [repeated(each) for each in said] == [set()] * len(said)
