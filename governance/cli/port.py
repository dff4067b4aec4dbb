"""The port that a proxy is to listen on: asked before anything is started."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping, Sequence
from typing import Final

from governance.model.errors import GovernanceError

_TRIED: Final = 100
# What LiteLLM's command listens on unless told otherwise (proxy_cli.py).
_HOST, _PORT = "0.0.0.0", 4000  # noqa: S104 - only asked whether it is free
# With one of these LiteLLM's command ends without listening.
_LISTENS_NOT: Final = frozenset({"--version", "-v", "--health", "--test", "--test_async", "--setup"}) | {
    "--skip_server_startup",
    "--validate_config",
    "--help",
}


class PortTaken(GovernanceError):
    """Somebody listens there already; says what to type instead."""


def refuse_taken(host: str, port: int, command: str) -> None:
    """Raise PortTaken unless this machine may listen on `port` of `host`.

    Args:
        command: what was typed, without its port.
    """
    error = _refused(host, port)
    if error is None:
        return
    # A host that is no address of this machine is LiteLLM's to explain.
    if error.errno not in (errno.EADDRINUSE, errno.EACCES):
        return
    why = "is taken by another program" if error.errno == errno.EADDRINUSE else "may not be listened on by this user"
    others = range(port + 1, min(port + 1 + _TRIED, 65536)) if port >= 1024 else range(4000, 4000 + _TRIED)
    free = next((other for other in others if _refused(host, other) is None), None)
    instead = f": {command} --port {free}" if free else f" with {command} --port"
    raise PortTaken(f"governance: port {port} of {host} {why}; end that program, or choose another port{instead}")


def listens_on(options: Sequence[str], environment: Mapping[str, str]) -> tuple[str, int] | None:
    """Host and port that LiteLLM's command would listen on; None where it would not, or where it alone can tell."""
    if not _LISTENS_NOT.isdisjoint(options):
        return None
    host = _given("--host", options) or environment.get("HOST") or _HOST
    port = _given("--port", options) or environment.get("PORT") or str(_PORT)
    return (host, int(port)) if port.isascii() and port.isdigit() and 0 < int(port) < 65536 else None


def _given(name: str, options: Sequence[str]) -> str | None:
    found = None
    for i, option in enumerate(options):
        if option == name and i + 1 < len(options):
            found = options[i + 1]
        elif option.startswith(f"{name}="):
            found = option.partition("=")[2]
    return found


def _refused(host: str, port: int) -> OSError | None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None
