"""GET /governance/metrics."""

from __future__ import annotations

import hashlib

import pytest

TOKEN = "a-token-for-prometheus-only"
POLICY = f"version: 1\ntelemetry: {{metrics: {{token_sha256: {hashlib.sha256(TOKEN.encode()).hexdigest()}}}}}"


async def test_an_admin_reads_the_metrics(open_worker) -> None:
    async with open_worker().client() as admin:
        answer = await admin.get("/governance/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")


async def test_the_scrapers_token_opens_this_page_and_no_other(open_worker) -> None:
    async with open_worker(POLICY).client(TOKEN) as prometheus:
        metrics = await prometheus.get("/governance/metrics")
        usage = await prometheus.get("/governance/api/usage")
        health = await prometheus.get("/governance/health")

    assert (metrics.status_code, usage.status_code) == (200, 401)
    assert health.json() == {"status": "ok"}


@pytest.mark.parametrize(("key", "status"), [("", 401), ("wrong", 401), ("somebody", 403), ("admin", 200)])
async def test_without_the_token_only_admins_get_in(open_worker, key: str, status: int) -> None:
    async with open_worker(POLICY).client(key) as caller:
        assert (await caller.get("/governance/metrics")).status_code == status


async def test_where_the_policy_has_no_token_none_opens(open_worker) -> None:
    async with open_worker().client(TOKEN) as caller:
        assert (await caller.get("/governance/metrics")).status_code == 401


async def test_the_digest_of_the_token_is_no_token(open_worker) -> None:
    async with open_worker(POLICY).client(hashlib.sha256(TOKEN.encode()).hexdigest()) as caller:
        assert (await caller.get("/governance/metrics")).status_code == 401


async def test_a_scrape_brings_up_to_date_what_is_not_counted_as_it_happens(open_worker) -> None:
    worker = open_worker()
    async with worker.client() as admin:
        await admin.get("/governance/metrics")

    revision = {"revision": worker.engine.host.policy.revision}
    assert worker.registry.get_sample_value("governance_policy_revision_info", revision) == 1.0
