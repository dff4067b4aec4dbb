"""What a stream fails with before LiteLLM goes on at the next target.

LiteLLM tells no hook of it (seen in 1.106 to 1.110): a stream that breaks becomes a `MidStreamFallbackError`, in the
context of its request, and the next thing that is heard is the hop. Where the provider's own error is a 4xx, such as
Bedrock's `modelStreamErrorException`, its stream wrapper raises that one as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from litellm.exceptions import MidStreamFallbackError
from litellm.litellm_core_utils.streaming_handler import CustomStreamWrapper

# Raises what an exception in a stream becomes; not in every line that is supported.
_RAISES: Final = "_handle_stream_fallback_error"


def listen(cut: Callable[[Exception], None]) -> Callable[[], None]:
    """Hear of each stream that breaks, by what it broke with. On LiteLLM's classes, whoever reads the stream.

    Returns:
        What ends the listening.
    """
    kind: Any = MidStreamFallbackError
    made = kind.__init__

    @wraps(made)
    def made_and_told(error: Any, *arguments: Any, **named: Any) -> None:
        made(error, *arguments, **named)
        cut(error)

    wrapper: Any = CustomStreamWrapper
    raising: Any = getattr(wrapper, _RAISES, None)

    def raised_and_told(stream: Any, error: Exception) -> Any:
        try:
            return raising(stream, error)
        except kind:
            raise
        except Exception as other:  # whatever LiteLLM makes of it is passed on
            cut(other)
            raise

    def stop() -> None:
        kind.__init__ = made
        if raising is not None:
            setattr(wrapper, _RAISES, raising)

    kind.__init__ = made_and_told
    if raising is not None:
        setattr(wrapper, _RAISES, wraps(raising)(raised_and_told))
    return stop
