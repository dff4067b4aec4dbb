"""What the tests of a policy touch, and what they leave untouched."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.engine.simulation import SimulationInput, simulate
from governance.hookspecs import hookimpl
from governance.model import Request, Ruling
from governance.policy import Policy
from governance.testing import Coverage
from tests.testing.played import POLICY, coverage


def test_coverage_tells_what_no_test_touches(tmp_path: Path) -> None:
    twice = "- {name: one, request: {model: fast/m}, sequence: [{}, {expect: {outcome: route}}]}"
    covered = coverage(tmp_path, twice)

    assert {str(place): why for place, why in covered.untouched.items()} == {
        "routing_rules: tier": "no test touches it",
        "routing_rules: tier two": "no test touches it",
        "routing_rules: last of two": "no test touches it",
        "routing_rules: last of two → a/x": "no test touches it",
        "routing_rules: watched": "no test touches it",
        "routing_rules: watched → a/z": "no test touches it",
    }
    assert covered.percent == pytest.approx(100 * 3 / 9)
    assert {str(place): why for place, why in covered.one_sided.items()} == {
        "limits of targets: Fast: *": "never full",
        "routing_profiles: Fast": "matches in every test",
    }


def test_rules_of_a_chain_and_in_shadow_mode_are_touched_too(tmp_path: Path) -> None:
    covered = coverage(
        tmp_path,
        """
- {name: chain, request: {model: two}, expect: {model: a/x}}
- {name: shadow, request: {model: s}, expect: {outcome: pass}}
- {name: tier, request: {model: s, headers: {x-tier: gold}}, expect: {model: a/m}}
""",
    )

    assert covered.untouched == {}
    assert covered.percent == 100


def test_a_target_that_is_only_ever_rejected_is_not_touched(tmp_path: Path) -> None:
    test = "- {name: one, request: {model: fast/m, capabilities: [tools]}, expect: {outcome: route}}"
    policy = POLICY[: POLICY.index("routing_rules")] + POLICY[POLICY.index("routing_profiles") :]
    covered = coverage(tmp_path, test, policy)

    assert {str(place): why for place, why in covered.untouched.items()} == {
        "routing_profiles: Fast → b/*": "only ever rejected"
    }


def test_a_plugin_may_name_itself_what_there_is_to_touch() -> None:
    class Chooser:
        def coverable(self) -> tuple[str, ...]:
            return ("chain one", "chain", "balanced/code", "balanced/fast", "eco/code")

        @hookimpl
        def pre_request(self, request: Request) -> Ruling:
            return Ruling(
                task="code", notes={"profile": "balanced", "task": "code"}, remarks=(f"took {request.model}",)
            )

    host = Host(Policy("policy", "sha256:0", order=("chooser",), sections={"chooser": None}), [("chooser", Chooser())])
    asked = [SimulationInput(body={"model": model}) for model in ("chain one", "none")]
    records = [asyncio.run(simulate(host, given, Catalog(None, {}))).trace.record() for given in asked]

    assert list(map(str, Coverage.of(host, records).untouched)) == [
        "chooser: chain",
        "chooser: balanced/fast",
        "chooser: eco/code",
    ]


def test_a_limit_is_touched_when_it_counts_and_one_sided_until_it_is_full(tmp_path: Path) -> None:
    policy = "rate_limits: [{name: all, subject: everyone, requests: 2/minute}]"
    counted = coverage(tmp_path, "- {name: one, request: {model: m}, expect: {outcome: pass}}", policy)
    full = coverage(
        tmp_path, "- {name: one, request: {model: m}, sequence: [{times: 2}, {expect: {outcome: refuse}}]}", policy
    )

    assert (counted.untouched, full.untouched) == ({}, {})
    assert {str(place): why for place, why in counted.one_sided.items()} == {"rate_limits: all": "never full"}
    assert "never full" not in full.one_sided.values()
