"""What is kept of a request that is over."""

from __future__ import annotations

import random
from collections.abc import Collection

from governance.trace import Trace


def let_go(trace: Trace, headers: Collection[str]) -> None:
    """Let go of the text that plugins may read and no record may hold, and of what no record reads: the request is
    over, and thousands of traces are kept.

    Args:
        headers: names, in lower case, of those that are still read.
    """
    request = trace.request
    object.__setattr__(request, "last_user_text", "")
    if request.conversation is not None:
        request.conversation.forget()
    kept = {name: request.headers[name] for name in headers if name in request.headers}
    trace.request = request.but(headers=kept, draw=random.random, levels=None, habits=None, drained=None)
