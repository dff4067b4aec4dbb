"""How full every window is, the fullest or the soonest empty first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from governance.engine.engine import Engine
from governance.ledger import Health
from governance.limits.usage import is_about, row
from governance.model import Window

# One call holds up everybody else on the ledger for as long as it takes.
_READ_PER_CALL: Final = 200

Order = Literal["fullest", "soonest"]


@dataclass(frozen=True)
class Usage:
    """Args:
    at_s: Unix seconds by the ledger's clock.
    rows: as `governance.limits.usage.row` makes them.
    """

    at_s: float
    ledger: Health
    rows: list[dict[str, Any]]


async def usage(
    engine: Engine,
    clock: Callable[[], float],
    subject: str | None = None,
    limit: str | None = None,
    order: Order = "fullest",
    about: Callable[[Window], bool] | None = None,
) -> Usage:
    """Every window of this subject and this limit, as it counts now; None: any. Raises LedgerUnavailable.

    Args:
        engine: in force; its overlay may raise what the policy states.
        clock: Unix seconds, for while the ledger tells no time.
        subject: as `kind:id` or `kind:name`.
        order: `soonest` puts first what runs out first at its rate, then by how full it is.
        about: which windows to tell, besides.
    """
    ledger, in_force = engine.ledger, engine.host.overlay
    health = await ledger.health()
    now_s = clock() if health.now_s is None else health.now_s
    known = await ledger.announced() if health.reachable else ()
    windows = [in_force.window(w) for w in known if is_about(w, subject, limit) and (about is None or about(w))]
    rows: list[dict[str, Any]] = []
    reserved = await ledger.reserved(windows) if windows else ()
    for begin in range(0, len(windows), _READ_PER_CALL):
        readings = await ledger.read(windows[begin : begin + _READ_PER_CALL])
        rows += [row(reading, held, now_s) for reading, held in zip(readings, reserved[begin:], strict=False)]
    rows.sort(key=_fullest if order == "fullest" else _soonest)
    return Usage(now_s, health, rows)


def _fullest(row: dict[str, Any]) -> tuple[Any, ...]:
    return (-row["percent"], row["limit"], row["subject"], row["unit"], row["window"])


def _soonest(row: dict[str, Any]) -> tuple[Any, ...]:
    # `~` is behind every moment.
    return (row["forecast"]["used_up_at"] or "~", *_fullest(row))
