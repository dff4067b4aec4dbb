"""What only the embedded ledger has to prove."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

from governance.ledger.memory import MemoryLedger
from governance.model import Charge, Window


async def test_subjects_and_reservations_that_are_over_are_forgotten() -> None:
    now = [1_767_225_600.0]
    ledger = MemoryLedger(lambda: now[0])
    tracemalloc.start()
    try:
        for i in range(3_000):
            windows = [Window("l", f"end_user:{i}", unit, 10, 60) for unit in ("requests", "tokens")]  # type: ignore[arg-type]
            await ledger.reserve([Charge(of, 1) for of in windows], (), reservation_id=str(i), deadline_s=30)
            await ledger.cool_down(f"target-{i}", 10)
            if i % 2:
                await ledger.settle(str(i), {"tokens": 2})
        for _ in range(3):
            now[0] += 3_600
            for i in range(2_000):
                await ledger.reserve([], (), reservation_id=f"{now[0]} {i}", deadline_s=1)
                await ledger.release(f"{now[0]} {i}")
        now[0] += 3_600
        for i in range(2_000):
            await ledger.read([])
            await ledger.cool_down(f"target-{i % 70}", 0.001)
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # Of some five million bytes; the rest is room in dictionaries.
    assert left < 900_000, f"{left:,} bytes are left"


def test_the_embedded_ledger_imports_nothing_of_redis() -> None:
    program = (
        "import sys; from governance.ledger import open_ledger; open_ledger('memory://'); "
        "print([name for name in sys.modules if name.partition('.')[0] in ('redis', 'hiredis')])"
    )
    root = str(Path(__file__).parents[2])
    ran = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": root}, capture_output=True, text=True)

    assert ran.stdout.strip() == "[]", ran.stderr
