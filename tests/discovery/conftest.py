from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from governance.discovery.outbound import Outbound
from tests.discovery.fake_provider import QUICK, FakeProvider


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    async with FakeProvider().running() as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    """How long was waited between attempts, in seconds; nobody really waits."""
    return []


@pytest.fixture
def outbound(waits: list[float]) -> Callable[..., Outbound]:
    """Requests with short limits."""

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    return lambda source, bounds=QUICK, **more: Outbound(source, bounds, pause=pause, **more)
