"""`make chaos` in short: a pause and a hang, and the promises that hold on any machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS, SHORT, Fault
from tests.chaos.oracle import Outcome, broken
from tests.chaos.run import run
from tests.chaos.world import a_world

CHOSEN = [fault for fault in FAULTS if fault.name in SHORT]


@pytest.mark.parametrize(
    ("fault", "mode"), list(zip(CHOSEN, ("share", "allow"), strict=True)), ids=lambda of: str(of)[:40]
)
async def test_the_promises_are_kept(fault: Fault, mode: str, tmp_path: Path) -> None:
    async with a_world() as world:
        came = await run(world, fault, mode, tmp_path / "spool")

    assert list(broken(came)) == []
    assert came.asked > 50
    assert not list((tmp_path / "spool").glob("*.owed")), "everything is paid"


def test_the_oracle_finds_what_is_broken() -> None:
    well = Outcome(FAULTS[0], "share", 10, 10, 0.0, 0.1, 200, 150, 9_000, 9_000, 20, 20, 5, 0)
    wrong = well._replace(tight=300, served=5, counted=1, counted_requests=3, lost=2)

    assert list(broken(well)) == []
    assert len(list(broken(wrong))) == 5
