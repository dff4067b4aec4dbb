"""Sends probes in batches, and judges what became of them: by what the providers saw, not by what the proxy says."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.hostile.recorder import Call
from tests.hostile.routes import WEBSOCKET, Probe

AT_ONCE: Final = 6
# What hangs by its nature (an open event stream) is left after this; what it said until then is judged.
LISTENING_S: Final = 4.0
_MOST_BYTES: Final = 200_000
# What is said of an answer whose head cannot be read.
NO_HTTP: Final = "no HTTP"

# What a provider may be asked by a caller who has nothing left: it makes nothing and costs nothing.
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_FREE_CALLS: Final = re.compile(
    r"POST .*(/count_tokens|:countTokens|/input_tokens|/cancel|/count-tokens|/tokenize)"
    # Tools of MCP servers are no models, and LiteLLM keeps them by access rules of their own.
    r"|POST /mcp"
    # Where LiteLLM's own pages get their news from.
    r"|(CONNECT|GET|POST) (\S*://)?(raw\.githubusercontent\.com|api\.github\.com|docs\.litellm\.ai|registry\.modelcontextprotocol\.io)\S*"
)


@dataclass(frozen=True)
class Answer:
    """What a caller got; status 0 is a connection that said nothing."""

    probe: Probe
    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        name = self.probe.route.rpartition(" ")[2]
        named = {**self.probe.headers, **(self.probe.body if isinstance(self.probe.body, dict) else {})}
        said = f" {name}={str(named[name])[:80]!r}" if name in named else ""
        return f"{self.probe}{said} -> {self.status} {self.text[:300]!r}"


class Gateway(Protocol):
    """The proxy, as far as a walk needs it."""

    url: str
    client: httpx.Client

    def taken(self) -> list[Call]: ...


def costs(call: Call) -> bool:
    """Whether a provider was asked to make something."""
    return call.method not in _READS and _FREE_CALLS.fullmatch(str(call)) is None


def sent(gateway: Gateway, probe: Probe, secret: str | None) -> Answer:
    """Send one probe with a caller's key, or without one."""
    if probe.method == WEBSOCKET:
        return _talked(gateway, probe, secret)
    headers = {**_authorization(probe, secret), **probe.headers}
    content: dict[str, Any] = {}
    if probe.files:
        fields = {k: v if isinstance(v, str) else json.dumps(v) for k, v in (probe.body or {}).items()}
        content = {"data": fields, "files": dict.fromkeys(probe.files, ("a.wav", b"RIFF0000WAVE", "audio/wav"))}
        if probe.path.endswith("images/edits"):
            content["files"] = {"image": ("a.png", b"\x89PNG\r\n\x1a\n", "image/png")}
    elif probe.body is not None:
        content = {"content": probe.body if isinstance(probe.body, bytes) else json.dumps(probe.body).encode()}
        headers.setdefault("content-type", "application/json")
    parts: list[bytes] = []
    status, got = 0, {}
    try:
        with gateway.client.stream(
            probe.method, probe.path, params=dict(probe.query), headers=headers, timeout=_patience(probe), **content
        ) as answer:
            status, got = answer.status_code, dict(answer.headers)
            for part in answer.iter_bytes():
                parts.append(part)
                if sum(map(len, parts)) > _MOST_BYTES:
                    break
    except httpx.RemoteProtocolError as error:
        if not status:
            return Answer(probe, 0, f"{NO_HTTP}: {error}")
    except (httpx.TimeoutException, httpx.ReadError):
        pass
    except (httpx.InvalidURL, UnicodeEncodeError, httpx.LocalProtocolError) as error:
        return Answer(probe, 0, f"not sent: {error}")
    return Answer(probe, status, b"".join(parts).decode("utf-8", "replace"), got)


def walked(gateway: Gateway, probes: Sequence[Probe], secret: str | None) -> list[Answer]:
    """Send probes, some at once; the answers in their order."""
    with ThreadPoolExecutor(AT_ONCE) as several:
        return list(several.map(lambda probe: sent(gateway, probe, secret), probes))


def guilty(
    gateway: Gateway, probes: Sequence[Probe], secret: str | None, wrong: Callable[[Iterable[Call]], list[str]]
) -> Iterator[tuple[Probe, list[str]]]:
    """Of a batch of which something was wrong, the probes that are, each sent once more and alone."""
    for probe in probes:
        gateway.taken()
        sent(gateway, probe, secret)
        found = wrong(gateway.taken())
        # Nobody sees what is asked behind a CONNECT; whoever reads makes nothing there.
        if found and not (probe.method in _READS and all(call.startswith("CONNECT ") for call in found)):
            yield probe, found


def reached(calls: Iterable[Call]) -> list[str]:
    """What providers were asked to make."""
    return [str(call) for call in calls if costs(call)]


def batches(probes: Sequence[Probe], size: int) -> Iterator[Sequence[Probe]]:
    for begin in range(0, len(probes), size):
        yield probes[begin : begin + size]


def _patience(probe: Probe) -> httpx.Timeout:
    streams = "/mcp" in probe.path or probe.method == "GET"
    return httpx.Timeout(60.0, read=LISTENING_S if streams else 60.0)


def _authorization(probe: Probe, secret: str | None) -> dict[str, str]:
    if secret is None:
        return {}
    if probe.path.startswith("/langfuse/"):
        return {"authorization": "Basic " + b64encode(f"{secret}:{secret}".encode()).decode()}
    if ":" in probe.path.rpartition("/")[2]:
        return {"x-goog-api-key": secret}
    return {"authorization": f"Bearer {secret}"}


def _talked(gateway: Gateway, probe: Probe, secret: str | None) -> Answer:
    query = "&".join(f"{name}={value}" for name, value in probe.query.items())
    url = f"ws{gateway.url.removeprefix('http')}{probe.path}?{query}"
    headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
    said: list[str] = []
    opened = False
    try:
        with connect(url, additional_headers=headers, proxy=None, open_timeout=30, close_timeout=2) as socket:
            opened = True
            create = {"type": "response.create", "model": probe.query.get("model"), "input": "Hello", "response": {}}
            socket.send(json.dumps(create))
            for _ in range(2):
                said.append(str(socket.recv(timeout=LISTENING_S)))
    except (WebSocketException, TimeoutError, OSError) as error:
        said.append(f"{type(error).__name__}: {error}")
    return Answer(probe, 101 if opened else 0, " ".join(said))
