"""What a form sends."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from governance.pages.not_shown import NotShown
from governance.policy.nodes import MAX_BYTES

# A character of a policy may take nine.
_MOST_BYTES: Final = 10 * MAX_BYTES
_MOST_FIELDS: Final = 10_000


async def form_of(request: Request, most_bytes: int = _MOST_BYTES) -> dict[str, str]:
    """The fields by name; of several of one name the last. Raises NotDone for what no form of ours sends."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise NotShown(415, "a form is sent as application/x-www-form-urlencoded")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise NotShown(413, f"that is more than the {most_bytes:,} bytes that this form may have")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise NotShown(400, "that is no form of these pages") from None
    # Browsers end lines as RFC 2046 does; a policy has them as it was written.
    return {name: value.replace("\r\n", "\n") for name, value in pairs}
