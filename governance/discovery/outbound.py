"""Asking a provider: only where it may be asked, only so long, only so much, and the key only for whom it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin

import httpx

from governance.discovery import pinned
from governance.discovery.safety import Origin, check_url
from governance.discovery.source import DiscoveryFailed, Source

Resolve = Callable[[str, int], Awaitable[list[str]]]
Pause = Callable[[float], Awaitable[None]]

_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
_MEANS: Final = {
    401: "the key is not accepted",
    403: "the key may not list models",
    404: "there is nothing; is `api_base` right?",
    429: "too many requests",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how much one source may take.

    Args:
        total_s: for all pages and attempts together. request_s: for one answer, connecting included.
        answer_bytes: of one answer. attempts: of one request. wait_s: at most, between two attempts.
    """

    total_s: float = 60.0
    request_s: float = 15.0
    answer_bytes: int = 8 * 1024 * 1024
    attempts: int = 3
    wait_s: float = 10.0
    redirects: int = 3


USUAL: Final = Bounds()


class Outbound:
    """Requests to one source.

    Every connection goes to an address that was checked; see `pinned`.
    """

    def __init__(
        self,
        source: Source,
        bounds: Bounds = USUAL,
        *,
        resolve: Resolve = pinned.resolve,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self.source = source
        self._bounds, self._resolve, self._pause = bounds, resolve, pause

    async def __aenter__(self) -> Outbound:
        try:
            self._client = await pinned.client(self._bounds.request_s)
        except OSError:  # also what ssl raises
            raise DiscoveryFailed("the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read") from None
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def json(self, url: str, headers: Mapping[str, str] | None = None, body: Any = None) -> Any:
        """The JSON that a URL of the source's API answers; `headers` may hold the key. POST when there is a body.

        Raises:
            DiscoveryFailed: says why there is none.
        """
        origin, payload = await self._ask(url, dict(headers or {}), body)
        try:
            return json.loads(payload)
        except (ValueError, RecursionError):
            raise DiscoveryFailed(f"{origin.shown} answered something that is not JSON") from None

    async def page(self, url: str) -> str:
        """A page's text; asked for without any key. Raises DiscoveryFailed."""
        _, payload = await self._ask(url, {"accept": "text/html"}, None)
        return payload.decode("utf-8", errors="replace")

    async def _ask(self, url: str, headers: dict[str, str], body: Any) -> tuple[Origin, bytes]:
        origin = self._checked(url)
        if not (self.source.key.isascii() and self.source.key.isprintable()):
            raise DiscoveryFailed("the key holds characters that no key has")
        secret = bool(self.source.key) and any(self.source.key in value for value in headers.values())
        if secret and origin != self._checked(self.source.api_base):
            raise DiscoveryFailed(f"the key is not for {origin.shown}")
        for _ in range(self._bounds.redirects + 1):
            status, answered, payload = await self._again_and_again(url, origin, headers, body)
            if status not in (301, 302, 303, 307, 308):
                if status != 200:
                    raise DiscoveryFailed(_told(origin, status))
                return origin, payload
            url = urljoin(url, answered.get("location", ""))
            to = self._checked(url)
            if to != origin and (secret or body is not None):
                raise DiscoveryFailed(f"{origin.shown} redirects to {to.shown}, and what it is told is not for that")
            origin = to
        raise DiscoveryFailed(f"{origin.shown} redirects more than {self._bounds.redirects} times")

    def _checked(self, url: str) -> Origin:
        try:
            origin = check_url(url, self.source.allowed_hosts)
            httpx.URL(url)
        except httpx.InvalidURL:
            raise DiscoveryFailed("the URL cannot be read") from None
        except ValueError as error:
            raise DiscoveryFailed(f"the URL {error}") from None
        return origin

    async def _again_and_again(
        self, url: str, origin: Origin, headers: dict[str, str], body: Any
    ) -> tuple[int, httpx.Headers, bytes]:
        failed = ""
        for attempt in range(self._bounds.attempts):
            wait_s = 0.5 * 2.0**attempt
            try:
                status, answered, payload = await asyncio.wait_for(
                    self._once(url, origin, headers, body), self._bounds.request_s
                )
                if status not in _AGAIN:
                    return status, answered, payload
                failed = _told(origin, status)
                wait_s = max(wait_s, _seconds(answered.get("retry-after")))
            except (TimeoutError, asyncio.TimeoutError, httpx.TimeoutException):
                failed = f"{origin.shown} did not answer within {self._bounds.request_s:g} s"
            except httpx.TransportError as error:
                failed = f"{origin.shown} cannot be reached: {type(error).__name__}"
            except (OSError, UnicodeError):
                failed = f"{origin.shown} is not known to the resolver"
            if attempt + 1 < self._bounds.attempts:
                await self._pause(min(wait_s, self._bounds.wait_s))
        raise DiscoveryFailed(failed)

    async def _once(
        self, url: str, origin: Origin, headers: dict[str, str], body: Any
    ) -> tuple[int, httpx.Headers, bytes]:
        addresses = await self._resolve(origin.host, origin.port)
        # Packed answers may be a thousand times their size.
        headers = {"accept": "application/json", "accept-encoding": "identity", **headers}
        method, allowed = "GET" if body is None else "POST", self.source.allowed_hosts
        answer = await pinned.send(self._client, method, url, origin, addresses, allowed, headers, json=body)
        try:
            return answer.status_code, answer.headers, await self._read(origin, answer)
        finally:
            await answer.aclose()

    async def _read(self, origin: Origin, answer: httpx.Response) -> bytes:
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise DiscoveryFailed(f"{origin.shown} packs its answers though it is asked not to")
        payload = bytearray()
        async for part in answer.aiter_raw():
            payload += part
            if len(payload) > self._bounds.answer_bytes:
                raise DiscoveryFailed(f"{origin.shown} answers with more than {self._bounds.answer_bytes:,} bytes")
        return bytes(payload)


def _told(origin: Origin, status: int) -> str:
    means = _MEANS.get(status)
    return f"{origin.shown} answered {status}" + (f": {means}" if means else "")


def _seconds(value: str | None) -> float:
    return float(value) if value and value.isascii() and value.isdigit() and len(value) < 6 else 0.0
