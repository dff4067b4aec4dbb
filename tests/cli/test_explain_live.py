"""`governance explain --live` against the pages of a proxy, on a real server."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from governance.admin import decisions, overview, simulate
from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.model import Failure, Identity, Request, Usage
from governance.policy.telemetry import TelemetrySettings
from governance.telemetry.recent import RecentHere
from governance.telemetry.redaction import encoded

Command = Callable[..., Any]
POLICY = """
routing_profiles:
  - name: Fast
    virtual_provider: fast
    targets: [{provider: cerebras, limits: {requests: 3/minute}}, {provider: openai}]
"""
NOW = 1_767_225_600.0


class Worker:
    """A worker that has served one request and refused another."""

    class models:
        catalog = Catalog(None, {})

    class telemetry:
        recent = RecentHere(100)
        settings = TelemetrySettings()

    def __init__(self) -> None:
        self.engine = Engine(Host.parse(POLICY), MemoryLedger(lambda: NOW), clock=lambda: NOW)
        self.served, self.refused = asyncio.run(self._serve())

    async def _serve(self) -> tuple[str, str]:
        who = Identity(virtual_key_id="hash-of-a-secret", virtual_key_name="ci", team_id="research")
        decision = await self.engine.admit(Request("fast/glm-4.7", identity=who, prompt_tokens=800))
        await self.engine.attempt(decision, "cerebras/glm-4.7")
        await self.engine.fail(decision, Failure("rate_limited", 429))
        await self.engine.attempt(decision, "openai/glm-4.7")
        await self.engine.settle(decision, "openai/glm-4.7", Usage(812, 95, 1840))
        refused = await self.engine.admit(Request("fast/\x1b[31m"))
        for each in (decision, refused):
            self.telemetry.recent.put(each.id, encoded(each.trace.record()))
        return decision.id, refused.id


def app(worker: Worker) -> FastAPI:
    app = FastAPI()
    for page in (simulate, decisions, overview):
        app.include_router(page.routes(worker), prefix="/governance")  # type: ignore[arg-type]
    return app


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker()


@pytest.fixture(scope="module")
def url(worker: Worker) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app(worker), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def live(governance: Command, url: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-admin")
    return lambda *arguments, stdin="": governance("explain", "--live", "--url", url, *arguments, stdin=stdin)


def test_a_decision_is_shown_with_its_attempts_and_what_it_used(live: Command, worker: Worker) -> None:
    done = live(worker.served)

    assert done.exit_code == 0, done.stderr
    for words in (
        f"decision {worker.served} at 2026-01-01T00:00:00.000Z",
        "asked by key ci, team research",
        "✘ cerebras/glm-4.7  failed (rate_limited), ",
        "✔ openai/glm-4.7  ok, ",
        "used 812 + 95 tokens (in + out), 0.00184 USD",
        "0 → 1 of 3 requests per minute",
        "✔ cerebras/glm-4.7  first choice",
        "served by openai/glm-4.7, after cerebras/glm-4.7 failed",
    ):
        assert words in done.stdout, done.stdout
    assert "secret" not in done.stdout


def test_for_programs_it_is_the_record_of_the_proxy(live: Command, worker: Worker) -> None:
    told = json.loads(live(worker.served.upper(), "--json").stdout)

    assert (told["id"], told["mode"], len(told["attempts"])) == (worker.served, "live", 2)


def test_without_an_id_the_recent_decisions_are_listed(live: Command, worker: Worker) -> None:
    done, as_json = live(), live("--json")

    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [worker.refused, worker.served]
    assert "refused 400 no_eligible_target" in lines[1]
    assert "served by openai/glm-4.7, after cerebras/glm-4.7 failed" in lines[2]
    assert "\x1b" not in done.stdout
    assert [record["id"] for record in json.loads(as_json.stdout)["decisions"]] == [worker.refused, worker.served]


def test_a_request_is_decided_by_the_proxy_on_its_own_counters(live: Command, folder: Path) -> None:
    (folder / "request.json").write_text('{"body": {"model": "fast/glm-4.7"}}')
    from_file = json.loads(live("request.json", "--json").stdout)
    from_stdin = live("-", stdin='{"body": {"model": "fast/glm-4.7"}}')

    assert (from_file["mode"], from_file["windows"][0]["used_before"]) == ("simulated", 1)
    assert "1 → 2 of 3 requests per minute" in from_stdin.stdout


def test_a_decision_that_is_not_kept_is_told(live: Command) -> None:
    done = live("01900000-0000-7000-8000-000000000000")

    assert (done.exit_code, done.stdout) == (3, "")
    assert "decision 01900000-0000-7000-8000-000000000000 is not among the last" in done.stderr


def test_a_request_with_mistakes_is_not_sent(live: Command) -> None:
    done = live("-", stdin='{"body": {}}')

    assert done.exit_code == 1
    assert done.stderr.startswith("standard input: body.model: is required")


@pytest.mark.parametrize("option", [("--policy", "p.yaml"), ("--config", "c.yaml")])
def test_a_running_proxy_has_its_own_policy_and_models(live: Command, option: tuple[str, str]) -> None:
    done = live(*option)

    assert done.exit_code == 2
    assert "leave out --policy and --config" in done.stderr


def test_without_a_proxy_a_request_is_needed(governance: Command) -> None:
    done = governance("explain")

    assert done.exit_code == 2
    assert "name a file with a request" in done.stderr


def test_a_proxy_that_is_not_there_is_told(governance: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-admin")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = governance("explain", "--live", "--url", f"http://127.0.0.1:{port}")

    assert done.exit_code == 3
    assert "no proxy answers at" in done.stderr


def test_why_a_request_went_as_it_did_is_a_sentence_by_its_id_or_by_a_text(
    governance: Command, live: Command, url: str, worker: Worker
) -> None:
    by_id = governance("why", f"error: see decision {worker.refused}", "--url", url)
    by_text = governance("why", "research", "--url", url)
    for_programs = governance("why", "research", "--json", "--url", url)
    nothing = governance("why", "nobody of that name", "--url", url)
    unknown = governance("why", "01900000-0000-7000-8000-000000000000", "--url", url)
    unknown_as_json = governance("why", "01900000-0000-7000-8000-000000000000", "--json", "--url", url)

    assert by_id.exit_code == 0, by_id.stderr
    assert by_id.stdout.strip().endswith(".") or "line" in by_id.stdout
    assert worker.served in by_text.stdout
    assert worker.refused not in by_text.stdout
    assert json.loads(for_programs.stdout)["decisions"][0]["state"] == "served"
    assert (nothing.exit_code, nothing.stdout.strip()) == (1, "no recent decision is about that")
    assert (unknown.exit_code, unknown_as_json.exit_code) == (1, 1)
    assert "decision 01900000-0000-7000-8000-000000000000 is not among the last" in unknown.stdout
    assert "not among the last" in json.loads(unknown_as_json.stdout)["error"]["message"]


def test_the_last_hour_is_shown(governance: Command, live: Command, url: str) -> None:
    shown = governance("overview", "--url", url)

    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.startswith("last hour: ")
    assert json.loads(governance("overview", "--json", "--url", url).stdout)["minutes"]
