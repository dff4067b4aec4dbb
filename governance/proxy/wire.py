"""Listens to what providers stream, before LiteLLM translates it: their usage may stand where it drops it.

LiteLLM reads every provider through httpx, whichever SDK or adapter asks (seen in 1.106 to 1.110). What it makes of a
stream has one usage: the last that stood in the usual place, or an estimate of its own.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Final

import httpx

log = logging.getLogger("governance.proxy")

Note = Callable[[Any], None]

_STREAMS: Final = ("text/event-stream", "application/x-ndjson", "application/stream+json")
# `usage`, `usageMetadata`: the rest of a stream is not parsed.
_SIGN: Final = b"usage"
_LONGEST_LINE_BYTES: Final = 4 * 1024 * 1024


def listen(listener: Callable[[], Note | None], answered: Callable[[], None] = lambda: None) -> Callable[[], None]:
    """Let every stream that is read from here on be noted.

    Args:
        listener: who wants the events of a stream that is read in this very context; None for nobody.
        answered: told that in this very context an answer of anybody is read.

    Returns:
        What ends the listening; whoever listened before hears again.
    """
    before: Any = httpx.Response.aiter_bytes
    read: Callable[..., AsyncIterator[bytes]] = getattr(before, "unheard", before)

    def stop() -> None:
        httpx.Response.aiter_bytes = before  # type: ignore[method-assign]

    def heard(self: httpx.Response, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        answered()
        chunks = read(self, chunk_size)
        if not self.headers.get("content-type", "").startswith(_STREAMS):
            return chunks
        note = listener()
        return chunks if note is None else _noted(chunks, note)

    heard.unheard = read  # type: ignore[attr-defined]
    httpx.Response.aiter_bytes = heard  # type: ignore[method-assign]
    return stop


async def _noted(chunks: AsyncIterator[bytes], note: Note) -> AsyncGenerator[bytes, None]:
    rest = b""
    async with contextlib.aclosing(chunks):  # type: ignore[type-var]
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                _note_line(line, note)
            rest = rest[:_LONGEST_LINE_BYTES]
            yield chunk
    _note_line(rest, note)


def _note_line(line: bytes, note: Note) -> None:
    if _SIGN not in line:
        return
    try:
        note(json.loads(line[line.find(b"{") :].rstrip(b"\r,]")))
    except (ValueError, RecursionError):
        return
    except Exception:  # whatever stumbles here, the caller gets the stream
        log.exception("usage in a stream could not be noted")
