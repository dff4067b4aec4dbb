"""Who hears of an alert: the log, the metrics, and a webhook, which may be away for a while."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson

from governance.discovery import DiscoveryFailed
from governance.engine.refusals import amount, spoken_period
from governance.limits.alerts import Alert
from governance.limits.subjects import spoken
from governance.model.printable import printable
from governance.model.target_alert import TargetAlert
from governance.policy.telemetry import AlertSettings
from governance.trace import iso, period_text

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("governance.alerts")

MOST_WAITING: Final = 1_000
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 300.0
# The receiver asks for it by these; any other 4xx would be the same the next time.
_LATER: Final = frozenset({408, 425, 429})

_NOT_ALLOWED: Final = (
    "its host has an address that is not of the public Internet; put the host into `telemetry.alerts.allowed_hosts` if "
    "that is meant, which no link-local and no metadata address can be"
)

Count = Callable[[str], None]
Resolve = Callable[[str, int], Awaitable[list[str]]]


class Alerting:
    """Tells alerts, one after the other and without making anybody wait.

    Args:
        count: is given `delivered`, `failed` or `dropped` for each alert that was to be sent.
        first_wait_s: before the second try; it doubles with each further one.
        resolve: the addresses of a host and port; None = by this machine's resolver.
    """

    def __init__(
        self,
        settings: AlertSettings,
        count: Count,
        *,
        first_wait_s: float = FIRST_WAIT_S,
        resolve: Resolve | None = None,
    ) -> None:
        self._settings = settings
        self._resolve = resolve
        self._count = count
        self._first_wait_s = first_wait_s
        self._waiting: deque[Alert | TargetAlert] = deque()
        self._sending: asyncio.Task[None] | None = None
        self._closed = False
        self.error: str | None = None
        self.delivered = self.failed = 0

    def tell(self, alert: Alert | TargetAlert) -> None:
        """Log it, and send it soon. Needs a running event loop where there is a webhook."""
        log.warning("%s", sentence(alert))
        if self._settings.webhook is None:
            return
        if len(self._waiting) >= MOST_WAITING or self._closed:
            self._end("dropped")
            return
        self._waiting.append(alert)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send_all())

    @property
    def health(self) -> dict[str, Any]:
        """For health pages: of the webhook's address only the host, for the rest may be a secret."""
        webhook = self._settings.webhook
        return {
            "webhook": None if webhook is None else urlsplit(webhook.get_secret_value()).hostname,
            "delivered": self.delivered,
            "failed": self.failed,
            "waiting": len(self._waiting),
            "error": self.error,
        }

    async def close(self, within_s: float = 2.0) -> None:
        """Send what waits, if that is soon done."""
        self._closed = True
        if self._sending is not None and not self._sending.done():
            await asyncio.wait([self._sending], timeout=within_s)
            self._sending.cancel()
        for _ in range(len(self._waiting)):
            self._end("dropped")
        self._waiting.clear()

    async def _send_all(self) -> None:
        # Here, because who has no webhook need not wait for this import.
        from governance.discovery import pinned

        try:
            async with await pinned.client(self._settings.timeout_s) as client:
                while self._waiting:
                    self._end("delivered" if await self._send(client, self._waiting[0]) else "failed")
                    self._waiting.popleft()
        except OSError:
            self._note("the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read")
            while self._waiting:
                self._waiting.popleft()
                self._end("failed")

    async def _send(self, client: httpx.AsyncClient, alert: Alert | TargetAlert) -> bool:
        """Whether it has arrived, after as many tries as the policy gives it."""
        if self._settings.webhook is None:
            return False
        body = orjson.dumps(message(alert))
        for attempt in range(1, self._settings.attempts + 1):
            wait_s = min(LONGEST_WAIT_S, self._first_wait_s * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311
            try:
                # The client's own limits begin anew with each byte; a receiver that drips must not hold up the rest.
                status, headers = await asyncio.wait_for(
                    self._post(client, body, self._headers(alert, body)), self._settings.timeout_s * 2
                )
            except DiscoveryFailed:
                self._note(_NOT_ALLOWED)
            except Exception as error:  # whatever the network does; its words may repeat the address, its kind does not
                self._note(type(error).__name__)
            else:
                if 200 <= status < 300:
                    self._note(None)
                    return True
                self._note(f"HTTP {status}")
                if status < 500 and status not in _LATER:
                    return False
                wait_s = max(wait_s, _retry_after_s(headers.get("retry-after")))
            if attempt < self._settings.attempts:
                await asyncio.sleep(wait_s)
        return False

    async def _post(self, client: httpx.AsyncClient, body: bytes, headers: dict[str, str]) -> tuple[int, httpx.Headers]:
        from governance.discovery import pinned

        if self._settings.webhook is None:
            raise OSError("there is no webhook")
        url, allowed = self._settings.webhook.get_secret_value(), self._settings.allowed_hosts
        origin = self._settings.origin(self._settings.webhook)
        addresses = await (self._resolve or pinned.resolve)(origin.host, origin.port)
        answer = await pinned.send(client, "POST", url, origin, addresses, allowed, headers, content=body)
        await answer.aclose()
        return answer.status_code, answer.headers

    def _headers(self, alert: Alert | TargetAlert, body: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json", "idempotency-key": idempotency_key(alert)}
        if self._settings.secret is not None:
            at_s = int(time.time())
            headers["x-governance-signature"] = signature(self._settings.secret.get_secret_value(), at_s, body)
        return headers

    def _note(self, error: str | None) -> None:
        if error is not None and self.error is None:
            log.error("alerts: the webhook does not take them (%s); trying again", error)
        elif error is None and self.error is not None:
            log.warning("alerts: the webhook takes them again")
        self.error = error

    def _end(self, outcome: str) -> None:
        if outcome == "delivered":
            self.delivered += 1
        else:
            self.failed += 1
            log.error("alerts: one was not sent to the webhook (%s)", outcome)
        self._count(outcome)


def message(alert: Alert | TargetAlert) -> dict[str, Any]:
    """What is sent. `text` is what chat systems show."""
    if isinstance(alert, TargetAlert):
        return {
            "text": sentence(alert),
            "target": alert.target,
            "failure": alert.kind,
            "left_alone_until": iso(alert.until_s),
            "at": iso(alert.at_s),
            "policy_revision": alert.policy_revision,
        }
    return {
        "text": sentence(alert),
        "limit": alert.limit,
        "subject": alert.subject,
        "name_of_subject": alert.name_of_subject,
        "unit": alert.unit,
        "threshold_percent": alert.threshold_percent,
        "used": alert.used,
        "limit_amount": alert.limit_amount,
        "window": period_text(alert.window),
        "resets_at": None if alert.resets_at_s is None else iso(alert.resets_at_s),
        "at": iso(alert.at_s),
        "policy_revision": alert.policy_revision,
    }


def sentence(alert: Alert | TargetAlert) -> str:
    """One alert for people."""
    if isinstance(alert, TargetAlert):
        return printable(
            f"{alert.target} fails with {alert.kind}: its provider serves this account no more; "
            f"it is left alone until {iso(alert.until_s)}"
        )
    used, of = amount(alert.unit, alert.used), amount(alert.unit, alert.limit_amount)
    until = "" if alert.resets_at_s is None else f"; all of it is free again at {iso(alert.resets_at_s)}"
    whose = spoken(alert.subject, alert.name_of_subject)
    return printable(
        f"limit {alert.limit} of {whose} has passed {alert.threshold_percent} %: "
        f"{used} of {of} per {spoken_period(period_text(alert.window))} are used{until}"
    )


def idempotency_key(alert: Alert | TargetAlert) -> str:
    """The same however often this alert is sent, and another one in the next window."""
    if isinstance(alert, TargetAlert):
        return _digest(alert.target, alert.kind, alert.at_s)
    # A rolling window has no end that all agree on, but of each crossing there is one alert.
    which = alert.at_s if isinstance(alert.window, int) else alert.resets_at_s
    return _digest(alert.limit, alert.subject, alert.unit, alert.window, alert.threshold_percent, which)


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()


def signature(secret: str, at_s: int, body: bytes) -> str:
    """`t=<Unix seconds>,v1=<hex>`: HMAC-SHA256 over `<Unix seconds>.<body>`, so that an old one is of no use."""
    signed = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256)
    return f"t={at_s},v1={signed.hexdigest()}"


def _retry_after_s(value: str | None) -> float:
    """Whole seconds; a date is taken for no word, for the wait grows by itself. Source: RFC 9110, section 10.2.3."""
    return min(LONGEST_WAIT_S, float(value)) if value and value.isascii() and value.isdigit() else 0.0
