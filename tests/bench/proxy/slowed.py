"""What governance gathers of several requests to do it at once, in a proxy that runs many times slower."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final

SLOWED: Final = "GOVERNANCE_BENCH_SLOWED"
"""So many times slower."""

_GATHERED_FOR: Final = {
    "governance.telemetry.telemetry": "LINGER_S",
    "governance.telemetry.scribe": "_LINGER_S",
    "governance.proxy.spending": "_EVERY_S",
}


def slow(environment: Mapping[str, str]) -> None:
    """Gather as many requests as at full speed: for so many times as long, where the environment says so."""
    times = int(environment.get(SLOWED, "1"))
    if times == 1:
        return
    for module, name in _GATHERED_FOR.items():
        loaded = importlib.import_module(module)
        setattr(loaded, name, getattr(loaded, name) * times)
