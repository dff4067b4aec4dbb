"""Python's garbage collector in a worker of the proxy: what the start has made is not looked through again and again.

LiteLLM's modules, models and prices are about a million objects. A full collection goes through all of them and stops
the worker for it, and a collection of the young comes every few dozen requests' allocations.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
from collections.abc import Mapping
from typing import Final

# `leave`: the collector stays as it was.
SWITCH: Final = "GOVERNANCE_COLLECTOR"
# LiteLLM's own setting (litellm/proxy/common_utils/debug_utils.py): who chooses thresholds keeps them.
_CHOSEN: Final = "PYTHON_GC_THRESHOLD"
# A request of LiteLLM makes some thousand objects that live as long as it does.
# What is left of them in cycles waits for a full collection, which is a short one after all else is set apart.
_THRESHOLDS: Final = (10_000, 8, 12)
# By then LiteLLM has started what it starts after its callbacks.
_STARTED_WITHIN_S: Final = 5.0


def calm(environment: Mapping[str, str]) -> bool:
    """Set apart what there is now, while nobody is served, and have the rest collected in larger portions.

    Returns:
        Whether that was done; $GOVERNANCE_COLLECTOR may say `leave`.
    """
    if environment.get(SWITCH) == "leave":
        return False
    gc.collect()
    gc.freeze()
    _give_back()
    if not environment.get(_CHOSEN):
        gc.set_threshold(*_THRESHOLDS)
    return True


def _give_back() -> None:
    """Let the machine have what the start has used and no longer needs, about 10 MB: glibc keeps it by itself."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library, or none
        ctypes.CDLL(None).malloc_trim(0)


def calm_again_soon() -> None:
    """The same for what the rest of the start makes. Only the young are collected, so that it stops nobody."""
    asyncio.get_running_loop().call_later(_STARTED_WITHIN_S, _set_apart)


def set_apart(environment: Mapping[str, str]) -> None:
    """The same for a large policy that has taken over: what nobody looks through again stops nobody.

    What the young garbage of requests under way is part of, and dies later in a circle, stays with it.
    """
    if environment.get(SWITCH) != "leave":
        gc.collect(0)
        gc.freeze()


def _set_apart() -> None:
    gc.collect(1)
    gc.freeze()
    _give_back()
