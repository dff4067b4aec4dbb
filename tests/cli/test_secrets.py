"""What the environment fills into a policy is told by no verb."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

SECRET = "hunter2-of-the-operator"
CONDITION = 'headers["x"] == "${SECRET}"'
PROVIDER = {"api_base": "http://127.0.0.1:1/${SECRET}/v1", "docs_url": "http://127.0.0.1:1/${SECRET}"}
POLICY = {
    "ledger": {"url": "redis://user:${SECRET}@127.0.0.1:1"},
    "catalog": {"discovery": {"providers": {"openai": PROVIDER}, "allowed_hosts": ["127.0.0.1:1"]}},
    "telemetry": {"alerts": {"webhook": "https://h/${SECRET}"}},
    "routing_rules": [{"name": "r", "cel_expression": CONDITION, "targets": [{"provider": "openai"}]}],
    "rate_limits": [{"name": "l", "subject": "everyone", "requests": "1/hour", "match": CONDITION}],
}
REQUEST = '{"model": "openai/gpt-4o"}'


@pytest.fixture
def secret_policy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(folder))
    file = folder / "governance.yaml"
    file.write_text(json.dumps(POLICY))
    return file


VERBS = (
    "check", "explain -", "explain - --json", "status", "status --json", "urls", "urls --json", "models",
    "discover --provider openai", "discover --provider openai --json",
)  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_a_valid_policy(governance: Command, secret_policy: Path, verb: str) -> None:
    done = governance(*verb.split(), stdin=REQUEST)

    assert done.output
    assert not isinstance(done.exception, Exception) or isinstance(done.exception, SystemExit)
    assert all(piece not in done.output for piece in ("hunter2", "of-the", "operator"))


def test_an_address_is_shown_as_the_file_says_it(governance: Command, secret_policy: Path) -> None:
    rows = json.loads(governance("status", "--json").stdout)["discovery"]["providers"]

    assert "http://127.0.0.1:1/${SECRET}/v1" in [row["from"] for row in rows]
    assert "http://127.0.0.1:1/${SECRET}" in governance("urls").stdout


@pytest.mark.parametrize("verb", ["check", "check --json", "explain -", "status", "serve"])
def test_a_policy_with_mistakes(governance: Command, secret_policy: Path, verb: str) -> None:
    secret_policy.write_text(json.dumps({**POLICY, "ledger": {"url": "rediss://h?ssl_cert_reqs=${SECRET}"}}))
    done = governance(*verb.split(), stdin=REQUEST)

    assert done.exit_code != 0
    assert all(piece not in done.output for piece in ("hunter2", "of-the", "operator"))
