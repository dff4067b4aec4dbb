"""Tests of a policy, played: a file of tests in, results out."""

from __future__ import annotations

import asyncio
from pathlib import Path

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.testing import Coverage, Result, read_suite, run

POLICY = """
version: 1
routing_rules:
  - {name: tier, cel_expression: 'headers["x-tier"] == "gold"', model: fast/m}
  - {name: tier two, cel_expression: 'model == "two"', model: three, chain_rule: true}
  - {name: last of two, cel_expression: 'model == "three"', targets: [{provider: a, model: x}]}
  - {name: watched, mode: shadow, cel_expression: 'model == "s"', targets: [{provider: a, model: z}]}
routing_profiles:
  - name: Fast
    virtual_provider: fast
    targets:
      - {provider: a, limits: {requests: 2/minute, tokens: 100k/minute}}
      - {provider: b, capabilities: [vision]}
      - {provider: c, enabled: false}
failover:
  cool_down: {overloaded: 15s}
"""


def results(tmp_path: Path, tests: str, policy: str = POLICY) -> list[Result]:
    return played(tmp_path, tests, policy)[1]


def played(tmp_path: Path, tests: str, policy: str = POLICY) -> tuple[Host, list[Result]]:
    file = tmp_path / "governance.tests.yaml"
    file.write_text(f"tests:\n{tests}")
    host = Host.parse(policy)
    return host, asyncio.run(run(host, read_suite(file), Catalog(None, {})))


def coverage(tmp_path: Path, tests: str, policy: str = POLICY) -> Coverage:
    host, found = played(tmp_path, tests, policy)
    return Coverage.of(host, [record for result in found for record in result.records])
