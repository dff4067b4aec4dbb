"""What the holder of a key is shown: what counts him, and nothing of others."""

from __future__ import annotations

import pytest

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.model import Identity, Window
from governance.usecases.mine import counts, mine, subjects_of

HOLDER = Identity(virtual_key_id="k1", team_id="research", user_id="Ada")
NOW_S = 1_767_225_600.0


@pytest.mark.parametrize(
    ("subject", "his"),
    [
        ("team:research", True),
        ("user:Ada && team:research", True),
        ("team:research && model:GPT-4o", True),
        ("team:Research", False),
        ("user:ada", False),
        ("team:research && user:ada", False),
        ("team:research && end_user:e", False),
        ("model:gpt-4o", False),
        ("everyone", False),
    ],
)
async def test_a_holder_sees_the_windows_that_count_him_and_no_other_callers(subject: str, his: bool) -> None:
    window = Window("limit", subject, "requests", 10, "month")
    engine = Engine(Host.parse("version: 1\n"), MemoryLedger(lambda: NOW_S), clock=lambda: NOW_S)
    await engine.ledger.announce([window])

    assert counts(window, subjects_of(HOLDER)) is his
    seen = await mine(engine, lambda: NOW_S, None, HOLDER)
    assert [row["subject"] for row in seen.usage.rows] == [subject] * his
