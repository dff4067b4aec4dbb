"""How an attempt that is about to ask its provider is noted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from governance.proxy.live import Live

log = logging.getLogger("governance.proxy")


class Reaching:
    """See `Engine.reached`.

    Args:
        ledger: its URL.
        background: lets something run that no request waits for.
    """

    def __init__(self, ledger: str, background: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        # A ledger in this process answers at once; a task of its own would cost more than the answer.
        self._at_once = ledger.startswith("memory:")
        self._background = background

    async def note(self, live: Live, served: str) -> None:
        """The attempt under way goes to its provider.

        Args:
            served: the `provider/model` that LiteLLM has chosen.
        """
        reached = live.engine.reached(live.decision, live.name, served)
        if not self._at_once:
            # Nobody waits for this; what matters is that it is sent before the provider is asked.
            self._background(reached)
            return
        try:
            await reached
        except Exception:  # what is noted of a request is not worth the request
            log.exception("decision %s could not be noted as on its way", live.decision.id)
