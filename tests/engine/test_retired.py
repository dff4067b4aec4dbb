"""A policy that another one has taken over from is let go of, and needs no collector for that."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.retired import let_go_slowly
from governance.ledger import open_ledger
from governance.model import Identity, Request
from tests import patience

POLICY = """
version: 1
routing_rules:
  - {name: long, cel_expression: prompt_tokens > 1000, targets: [{provider: openai, model: gpt-4o}]}
rate_limits:
  - {name: a minute, subject: {team: research}, requests: 60/minute}
  - {name: on gpt-4o, subject: {model: gpt-4o}, requests: 600/minute}
budgets:
  - {name: monthly, subject: {user: "*"}, amount: 10 USD/month, unpriced: allow}
"""


@pytest.fixture
def uncollected() -> Iterator[None]:
    """What is set apart from the collector it never finds."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_it_ends_with_the_last_request_that_began_on_it() -> None:
    host = Host.parse(POLICY)
    engine = Engine(host, open_ledger("memory://"))
    decision = await engine.admit(Request("openai/gpt-4o", identity=Identity(team_id="research", user_id="u")))
    assert decision.refusal is None
    watched = [weakref.ref(host), *map(weakref.ref, host.plugins.values())]
    lists = [getattr(section, "root", ()) for section in host.policy.sections.values()]
    watched += [weakref.ref(entry) for entries in lists for entry in entries]
    del lists
    assert len(watched) == 1 + 3 + 4
    let_go_slowly(host)
    del host

    assert all(each() is not None for each in watched), "a request is under way"
    await engine.release(decision)
    del engine, decision

    assert any(all(each() is None for each in watched) for _ in patience.tries())
