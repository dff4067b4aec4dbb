"""Puts the callback into a proxy whose own configuration does not name it; `governance serve` asks for this."""

from __future__ import annotations

import litellm


def install() -> None:
    """Runs in each worker before LiteLLM reads its configuration (proxy_server.py, LITELLM_WORKER_STARTUP_HOOKS)."""
    from governance.proxy.callback import handler

    if handler not in litellm.callbacks:
        litellm.callbacks.append(handler)
