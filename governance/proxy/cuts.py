"""What a stream fails with before LiteLLM goes on at the next target.

LiteLLM tells no hook of it (seen in 1.106 to 1.110): a stream that breaks becomes a `MidStreamFallbackError`, in the
context of its request, and the next thing that is heard is the hop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from litellm.exceptions import MidStreamFallbackError


def listen(cut: Callable[[Exception], None]) -> Callable[[], None]:
    """Hear of each stream that breaks, by what it broke with. On the exception's class, whoever raises it.

    Returns:
        What ends the listening.
    """
    kind: Any = MidStreamFallbackError
    made = kind.__init__

    @wraps(made)
    def made_and_told(error: Any, *arguments: Any, **named: Any) -> None:
        made(error, *arguments, **named)
        cut(error)

    def stop() -> None:
        kind.__init__ = made

    kind.__init__ = made_and_told
    return stop
