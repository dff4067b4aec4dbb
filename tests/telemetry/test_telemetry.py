"""Everything together, as a worker uses it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.limits.alerts import Alert
from governance.policy.document import Core
from governance.policy.telemetry import TelemetrySettings
from governance.telemetry.metrics import Metrics
from governance.telemetry.telemetry import Telemetry
from governance.telemetry.troubles import Troubles


def core(**telemetry: Any) -> Core:
    return Core.model_validate({"telemetry": telemetry})


def opened(**telemetry: Any) -> tuple[Telemetry, CollectorRegistry]:
    registry = CollectorRegistry()
    made = Telemetry(core(**telemetry), {}, Metrics(registry))
    engine = Engine(Host.parse("version: 1"), MemoryLedger())
    made.watch(lambda: engine, list)
    return made, registry


async def test_a_request_is_logged_kept_and_counted(tmp_path: Path, trace) -> None:
    one = trace()
    telemetry, registry = opened(decision_log={"to": str(tmp_path / "log"), "headers": ["X-Tier"]})
    telemetry.tell(one)
    await telemetry.close()

    (line,) = (tmp_path / "log").read_text().splitlines()
    assert json.loads(line)["request"]["headers"] == {"x-tier": "premium"}
    assert telemetry.recent is not None
    assert await telemetry.recent.find(one.id) == line.encode()
    counted = {"outcome": "route", "profile": "Fast", "rule": ""}
    assert registry.get_sample_value("governance_decisions_total", counted) == 1.0


async def test_what_is_withheld_is_withheld_from_what_can_be_looked_up_too(trace) -> None:
    one = trace()
    telemetry, _ = opened(decision_log={"redact": ["identity.team_id"]})
    telemetry.tell(one)
    await telemetry.close()

    assert telemetry.recent is not None
    found = json.loads(await telemetry.recent.find(one.id) or b"")
    assert found["identity"]["team_id"] == "[redacted]"


async def test_a_trace_that_cannot_be_counted_or_written_hurts_nobody(trace, caplog) -> None:
    telemetry, _ = opened()
    broken = trace()
    broken.windows = [None]  # type: ignore[list-item]
    telemetry.tell(broken)
    telemetry.tell(trace())
    await telemetry.close()

    assert f"decision {broken.id} could not be counted" in caplog.text
    assert telemetry.recent is not None
    assert await telemetry.recent.find(broken.id) is None
    assert telemetry.recent_lost == 1


async def test_a_policy_that_was_read_anew_holds_as_far_as_it_can(caplog, trace) -> None:
    telemetry, registry = opened()
    settings = TelemetrySettings.model_validate(
        {"decision_log": {"redact": ["request.tags"]}, "metrics": {"subjects": True}, "decisions": {"keep": 5}}
    )
    telemetry.use(settings)
    one = trace()
    telemetry.tell(one)
    await telemetry.close()

    assert telemetry.recent is not None
    assert b"nightly" not in (await telemetry.recent.find(one.id) or b"")
    labels = {"limit": "research team", "subject": "team:research"}
    assert registry.get_sample_value("governance_window_used_ratio", labels) == 0.5
    assert "telemetry.decisions has changed; that needs a restart" in caplog.text


async def test_an_alert_is_counted_and_logged(caplog) -> None:
    telemetry, registry = opened()
    telemetry.alert(Alert("team", "team:a", "tokens", 80, 80, 100, 60, None, 1.0, "sha256:0"))
    await telemetry.close()

    assert registry.get_sample_value("governance_alerts_total", {"limit": "team", "threshold": "80"}) == 1.0
    assert "limit team of team a has passed 80 %" in caplog.text


async def test_a_look_reads_the_ledger_and_the_requests_under_way(trace) -> None:
    telemetry, registry = opened()
    engine = Engine(Host.parse("version: 1"), MemoryLedger())
    telemetry.watch(lambda: engine, lambda: [trace()])
    telemetry.start()
    await telemetry.look()
    await telemetry.close()

    assert registry.get_sample_value("governance_reserved", {"unit": "tokens"}) == 200.0
    revision = {"revision": engine.host.policy.revision}
    assert registry.get_sample_value("governance_policy_revision_info", revision) == 1.0


def test_the_last_troubles_are_kept_newest_first_and_no_more_than_20() -> None:
    troubles = Troubles()
    troubles.listen()
    log = logging.getLogger("governance.anything")
    for number in range(30):
        log.warning("trouble %d", number)
    log.error("broken %s", "x" * 5000)
    log.info("no trouble")
    troubles.stop()
    log.error("unheard")

    assert len(troubles.last) == 20
    assert troubles.last[0]["message"] == ("broken " + "x" * 5000)[:500]
    assert (troubles.last[1]["message"], troubles.last[1]["level"]) == ("trouble 29", "warning")
