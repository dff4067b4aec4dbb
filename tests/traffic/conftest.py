"""Lines as a worker would have written them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from governance.traffic import Asked, Hop, Size, Told, TraceLine, Used, Who

NOON_US = 1_796_212_800_000_000  # 2026-12-02T12:00:00Z
SECOND_US = 1_000_000

Made = Callable[..., TraceLine]


@pytest.fixture
def line() -> Made:
    """A request of team research that openai has answered after a second, with some fields changed."""
    plain = TraceLine(
        id="",
        at_us=NOON_US,
        who=Who(key="k" * 64, key_name="ci", team="research"),
        asked=Asked("fast/glm-4.7", streaming=True),
        size=Size(812, 1024),
        told=Told("sha256:aa", "route", target="openai/glm-4.7", profile="Fast"),
        hops=(Hop("openai/glm-4.7", "ok", took_ms=730),),
        used=Used(812, 95, 12, 1840, 3),
        end_us=SECOND_US,
        worker="one",
    )

    def made(number: int = 1, **changes: Any) -> TraceLine:
        given = {"id": f"{changes.get('worker', 'one')}-{number}", "number": number, **changes}
        return replace(plain, **given)

    return made
