"""What a Redis server says of itself, for whoever looks after it; requests never ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import hiredis

from governance.ledger.address import directory
from governance.ledger.connection import Connection, ConnectionLost, NoAnswer
from governance.ledger.reasons import reason
from governance.model.errors import LedgerUnavailable

_WITHIN_S: Final = 3.0
# Any key will do: of a cluster, the server that has it is asked.
_ANY_KEY: Final = "governance"


class Server(NamedTuple):
    """One server.

    Args:
        info: its INFO, by name.
        ahead_s: seconds by which its clock is ahead of this machine's, half the way of the question taken off.
    saves: when it writes its memory to disk, as it is configured; None where it does not say.
    """

    info: Mapping[str, str]
    ahead_s: float
    saves: str | None = None


async def ask_server(url: str, clock: Callable[[], float] = time.time) -> Server:
    """Ask the server that has the ledger, or one of its servers.

    Raises:
        LedgerUnavailable: it does not answer, or does not say.
    """
    loop = asyncio.get_running_loop()
    expires_at = loop.time() + _WITHIN_S
    try:
        address = await asyncio.wait_for(directory(url).find(_ANY_KEY, _WITHIN_S), _WITHIN_S)
        connection = await Connection.open(address, expires_at, _WITHIN_S)
    except (asyncio.TimeoutError, TimeoutError):
        raise LedgerUnavailable("nobody names the server in time") from None
    except (OSError, NoAnswer, ConnectionLost, hiredis.ReplyError) as error:
        raise LedgerUnavailable(reason(error)) from None
    try:
        asked_s = clock()
        told = await connection.send(_pack("TIME"), expires_at)
        middle_s = (asked_s + clock()) / 2
        info = await connection.send(_pack("INFO"), expires_at)
        saves = await connection.send(_pack("CONFIG", "GET", "save"), expires_at)
    except (NoAnswer, ConnectionLost) as error:
        raise LedgerUnavailable(reason(error)) from None
    finally:
        connection.lose(ConnectionLost("closed"))
    for answer in (told, info):
        if isinstance(answer, hiredis.ReplyError):
            raise LedgerUnavailable(reason(answer))
    known = isinstance(saves, list) and len(saves) == 2  # many services forbid to ask
    said = bytes(saves[1]).decode("utf-8", "replace") if known else None
    return Server(_read(info), int(told[0]) + int(told[1]) / 1e6 - middle_s, said)


def _pack(*command: Any) -> bytes:
    packed: bytes = hiredis.pack_command(command)
    return packed


def _read(info: Any) -> dict[str, str]:
    lines = (line.partition(":") for line in bytes(info).decode("utf-8", "replace").splitlines())
    return {name: value for name, sign, value in lines if sign and not name.startswith("#")}
