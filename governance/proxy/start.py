"""How governance begins and ends with the proxy: which policy, and how to refuse to start."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import litellm
from litellm.proxy import proxy_server

from governance.ledger import split_counts
from governance.model.errors import GovernanceError
from governance.policy import Policy

log = logging.getLogger("governance.proxy")

T = TypeVar("T")


def or_not_at_all(begin: Callable[[], T]) -> T:
    """What is begun; with a policy or a LiteLLM that will not do, the worker ends."""
    try:
        return begin()
    except GovernanceError as error:
        _refuse_to_start(error)


def policy_file() -> Path:
    """$GOVERNANCE_POLICY, else what the proxy's configuration names in `callback_settings: {governance: {policy: …}}`,
    else `governance.yaml` beside that configuration.
    """
    if os.environ.get("GOVERNANCE_POLICY"):
        return Path(os.environ["GOVERNANCE_POLICY"])
    config = proxy_server.user_config_file_path
    folder = Path(config).parent if config else Path()
    settings = (litellm.callback_settings or {}).get("governance")
    named = settings.get("policy") if isinstance(settings, dict) else None
    return folder / str(named or "governance.yaml")


def report(policy: Policy) -> None:
    """Say what was started, and what this ledger cannot do."""
    log.info("policy %s, %s; plugins: %s", policy.source, policy.revision, ", ".join(policy.order) or "none")
    split = split_counts(policy.core.ledger.url, workers())
    if split:
        log.error("%s", split)


def end_with_proxy(close: Callable[[], Awaitable[None]]) -> None:
    """Have `close` awaited when the proxy shuts down. LiteLLM offers no hook for that; it looks this function up by
    name at the end of its lifespan (proxy_server.py, proxy_startup_event).
    """
    shut_down = getattr(proxy_server, "proxy_shutdown_event", None)
    if shut_down is None:
        return

    async def close_then_shut_down(*args: Any, **kwargs: Any) -> Any:
        try:
            await close()
        except Exception:  # the proxy's own shutdown must run whatever happens here
            log.exception("governance did not close cleanly")
        return await shut_down(*args, **kwargs)

    proxy_server.proxy_shutdown_event = close_then_shut_down


def _refuse_to_start(error: GovernanceError) -> NoReturn:
    """End this worker with the mistakes and nothing else on stderr; outside a proxy, raise them.

    Exit code 3 is how a worker tells uvicorn and gunicorn that starting it again will not help.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise error from None
    sys.stdout.flush()
    sys.stderr.write(f"governance: the proxy does not start, because it cannot be governed:\n{error}\n")
    sys.stderr.flush()
    os._exit(3)


def workers() -> int:
    """How many processes serve this proxy."""
    # LiteLLM's command tells its workers how many they are (proxy_cli.py).
    told = os.environ.get("NUM_WORKERS", "1")
    return int(told) if told.isdigit() else 1
