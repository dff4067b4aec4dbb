"""A provider's models, as its reader finds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from governance.discovery import Source
from governance.discovery.kinds import READERS
from governance.discovery.outbound import Outbound

Open = Callable[..., Outbound]
KEY = "secret-key"


async def read(outbound: Open, source: Source) -> dict[str, dict[str, Any]]:
    async with outbound(source) as asking:
        return {found.name: dict(found.entry) for found in await READERS[source.kind](asking)}
