"""A request that goes on for ever without a body: uvicorn's fast parser keeps what it is sent of a head, however much.

The parser in Python, h11, ends a head after 64 KiB. httptools, which costs a third of it, has no such bound of its own.
"""

from __future__ import annotations

from functools import wraps
from typing import Any, Final

# Source: uvicorn 0.33-0.54, h11_max_incomplete_event_size.
MOST_BYTES: Final = 64 * 1024
# A chunk of one byte comes with five more; who sends longer ones may say something about each of them.
_BYTES_ABOUT_A_BYTE: Final = 16


def bound() -> bool:
    """Answer 400 to a head, to trailers, or to words about chunks, that are longer.

    Returns:
        Whether there is such a parser, as it is known; without it uvicorn takes the other one.
    """
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return False
    protocol: Any = HttpToolsProtocol
    receive, body, end = (getattr(protocol, each, None) for each in ("data_received", "on_body", "on_message_complete"))
    if receive is None or body is None or end is None:
        return False
    protocol.unread_bytes = 0

    @wraps(receive)
    def data_received(self: Any, data: bytes) -> None:
        self.unread_bytes += len(data)
        receive(self, data)
        if self.unread_bytes > MOST_BYTES and not self.transport.is_closing():
            said = "Invalid HTTP request received."
            self.logger.warning("%s Its head is longer than %d bytes.", said, MOST_BYTES)
            self.send_400_response(said)

    @wraps(body)
    def on_body(self: Any, read: bytes) -> None:
        self.unread_bytes = max(0, self.unread_bytes - len(read) * (1 + _BYTES_ABOUT_A_BYTE))
        body(self, read)

    @wraps(end)
    def on_message_complete(self: Any) -> None:
        self.unread_bytes = 0
        end(self)

    protocol.data_received, protocol.on_body, protocol.on_message_complete = data_received, on_body, on_message_complete
    return True
