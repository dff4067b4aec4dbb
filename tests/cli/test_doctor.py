"""`governance doctor` before a real Redis, and before none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from governance.ledger.server import ask_server
from governance.model.errors import LedgerUnavailable
from tests.ledger.servers import running


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with running() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


def test_it_says_what_a_real_redis_is_to_be_told(governance, folder: Path, redis_url: str) -> None:
    (folder / "governance.yaml").write_text(f'version: 1\nledger: {{url: "{redis_url}"}}\n')
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", "100mb")
        try:
            ill = governance("doctor", "--json")
            client.config_set("maxmemory-policy", "noeviction")
            mended = governance("doctor", "--json")
        finally:
            client.config_set("maxmemory", "0")

    findings = {finding["said"]: finding for finding in json.loads(ill.stdout)["findings"]}
    (evicts,) = [finding for said, finding in findings.items() if "allkeys-lru" in said]
    assert (ill.exit_code, evicts["level"], evicts["mend"]) == (1, "broken", "CONFIG SET maxmemory-policy noeviction")
    assert mended.exit_code == 0
    assert "allkeys-lru" not in mended.stdout


def test_a_redis_that_is_not_there_is_broken_and_the_rest_is_told(governance, folder: Path) -> None:
    (folder / "governance.yaml").write_text('version: 1\nledger: {url: "redis://:hidden@127.0.0.1:1/0"}\n')
    done = governance("doctor")

    assert done.exit_code == 1
    assert done.stdout.startswith("broken   redis: ")
    assert "unknown  proxy: no admin's key is set" in done.stdout
    assert "hidden" not in done.stdout + done.stderr


def test_the_clock_of_the_server_is_compared_with_ours(redis_url: str) -> None:
    right = asyncio.run(ask_server(redis_url))
    late = asyncio.run(ask_server(redis_url, clock=lambda: 0.0))

    assert abs(right.ahead_s) < 60
    assert late.ahead_s > 1_000_000
    assert right.info["role"] == "master"


def test_whoever_may_not_ask_is_told_so(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.acl_setuser("narrow", enabled=True, passwords=["+pw"], commands=["+ping"])
        try:
            with pytest.raises(LedgerUnavailable, match="NOPERM"):
                asyncio.run(ask_server(redis_url.replace("redis://", "redis://narrow:pw@")))
        finally:
            client.acl_deluser("narrow")
