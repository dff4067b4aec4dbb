"""The head of an answer, written when it goes out: by then it is known who served, and when to come back.

LiteLLM asks for the headers of a stream before it reads its first event, and on most routes not at all for an error. It
repeats words of callers there (names of guardrails and policies, ids): with a line break in one of them, a caller would
write the head of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.responses import Response, StreamingResponse

from governance.proxy.headers import decision_headers
from governance.proxy.live import PASS_THROUGH, Live

_ATTEMPTS: Final = b"x-governance-attempts"
_LATER: Final = frozenset({429, 503, 529})


def watch(serving: Callable[[], Live | None]) -> None:
    """Put right what every answer says of its decision from here on.

    Args:
        serving: the request that is served in this very context.
    """
    begin: Any = Response.init_headers
    begin = getattr(begin, "undressed", begin)

    def dressed(self: Response, headers: Mapping[str, str] | None = None) -> None:
        begin(self, headers if headers is None or all(map(_is_line, headers.values())) else _in_lines(headers))
        live = serving()
        if live is not None and live.call_type != PASS_THROUGH:
            _dress(self, live)

    dressed.undressed = begin  # type: ignore[attr-defined]
    Response.init_headers = dressed  # type: ignore[method-assign]
    put: Any = MutableHeaders.__setitem__
    put = getattr(put, "unlined", put)

    def put_in_line(self: MutableHeaders, name: str, value: str) -> None:
        put(self, name, value if value.isascii() and value.isprintable() else _line(value))

    put_in_line.unlined = put  # type: ignore[attr-defined]
    MutableHeaders.__setitem__ = put_in_line  # type: ignore[method-assign]
    MutableHeaders.update = _put_all_in_lines  # type: ignore[method-assign]


def _put_all_in_lines(self: MutableHeaders, other: Mapping[str, str]) -> None:
    """What Starlette does for one after the other: LiteLLM puts thirty into each answer, and each was looked for among
    all the others.
    """
    heads = self.raw
    places = {name: place for place, (name, _) in enumerate(heads)}
    if len(places) != len(heads):
        for name, value in other.items():
            self[name] = value
        return
    for name, value in other.items():
        key = name.lower().encode("latin-1")
        entry = key, (value if value.isascii() and value.isprintable() else _line(value)).encode("latin-1")
        place = places.setdefault(key, len(heads))
        heads[place : place + 1] = [entry]


def _is_line(value: str) -> bool:
    # Other letters may be written (as LiteLLM's own are), but for what no header holds.
    return value.isascii() and value.isprintable()


def _line(value: str) -> str:
    return "".join(c if c == "\t" or (c.isprintable() and c <= "\xff") else "?" for c in value)


def _in_lines(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: _line(value) for name, value in headers.items()}


def _dress(answer: Response, live: Live) -> None:
    trace, failed = live.decision.trace, answer.status_code >= 400
    # To any other answer LiteLLM's headers are added after this, and they are right.
    if not failed and (len(trace.attempts) <= 1 or not isinstance(answer, StreamingResponse)):
        return
    said = dict(answer.raw_headers)
    tried = sum(1 for attempt in trace.attempts if attempt.outcome != "skipped")
    if failed or said.get(_ATTEMPTS, b"") != str(tried).encode():
        wanted = {name.lower().encode(): value.encode() for name, value in decision_headers(trace).items()}
        wait_s = live.retry_after_s if answer.status_code in _LATER else None
        if wait_s is not None:
            wanted.setdefault(b"retry-after", str(wait_s).encode())
        if b"retry-after" in said:
            wanted.pop(b"retry-after", None)
        answer.raw_headers[:] = [entry for entry in answer.raw_headers if entry[0] not in wanted] + list(wanted.items())
