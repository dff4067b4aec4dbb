"""Alerts, sent to a real HTTP server on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from governance.limits.alerts import Alert
from governance.model.target_alert import TargetAlert
from governance.policy.telemetry import AlertSettings
from governance.telemetry.alerting import Alerting, idempotency_key, message, sentence
from tests.patience import ANSWER_S

UNPAID = TargetAlert("openai/gpt-4o", "account_exhausted", 1_800_000_600.0, 1_800_000_000.0, "sha256:0")
ALERT = Alert(
    "research team", "team:research", "tokens", 80, 812_345, 1_000_000, "month", 1_796_083_200.0, 1.0, "sha256:0"
)


class Received(NamedTuple):
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers as the test says, the last answer again and again: a status and headers, or None for no answer."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, str] | None] = [("200 OK", "")]
        self.received: list[Received] = []
        self.answered = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head.splitlines()[1:])}
        self.received.append(Received(headers, await reader.readexactly(int(headers["content-length"]))))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            await reader.read()  # until the caller gives up
        else:
            status, more = answer
            writer.write(f"HTTP/1.1 {status}\r\n{more}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        writer.close()
        self.answered.set()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks/a-secret-path?key=another"
    yield made
    server.close()


Tell = Callable[..., Awaitable[tuple[Alerting, Counter[str]]]]


@pytest.fixture
def tell(receiver: Receiver) -> Tell:
    """Tell an alert to the receiver, and wait until nothing more is tried."""

    async def told(*alerts: Alert, **settings: Any) -> tuple[Alerting, Counter[str]]:
        outcomes: Counter[str] = Counter()
        resolve = settings.pop("resolve", None)
        local: dict[str, Any] = {"webhook": receiver.url, "timeout_s": 60, "allowed_hosts": ["127.0.0.1"]}
        given = AlertSettings.model_validate({**local, **settings})
        alerting = Alerting(given, lambda outcome: outcomes.update([outcome]), first_wait_s=0.001, resolve=resolve)
        for alert in alerts or (ALERT,):
            alerting.tell(alert)
        await alerting.close(within_s=ANSWER_S)
        return alerting, outcomes

    return told


async def test_an_alert_is_sent_as_json_with_a_sentence_for_people(tell: Tell, receiver: Receiver) -> None:
    _, outcomes = await tell()

    (received,) = receiver.received
    assert json.loads(received.body) == {
        "text": "limit research team of team research has passed 80 %: 812,345 tokens of 1,000,000 tokens per month "
        "are used; all of it is free again at 2026-12-01T00:00:00.000Z",
        "limit": "research team",
        "subject": "team:research",
        "name_of_subject": None,
        "unit": "tokens",
        "threshold_percent": 80,
        "used": 812_345,
        "limit_amount": 1_000_000,
        "window": "month",
        "resets_at": "2026-12-01T00:00:00.000Z",
        "at": "1970-01-01T00:00:01.000Z",
        "policy_revision": "sha256:0",
    }
    assert received.headers["content-type"] == "application/json"
    assert "x-governance-signature" not in received.headers
    assert outcomes == {"delivered": 1}


def test_an_account_that_is_used_up_is_told_in_its_own_words() -> None:
    assert sentence(UNPAID).startswith("openai/gpt-4o fails with account_exhausted")
    assert message(UNPAID)["left_alone_until"] == "2027-01-15T08:10:00.000Z"
    assert idempotency_key(UNPAID) != idempotency_key(UNPAID._replace(at_s=1_800_000_700.0))


def test_money_is_told_in_dollars() -> None:
    told = sentence(ALERT._replace(unit="usd_micros", used=80_500_000, limit_amount=100_000_000))

    assert "80.5 USD of 100 USD per month are used" in told


async def test_a_receiver_that_is_busy_gets_the_same_alert_again(tell: Tell, receiver: Receiver) -> None:
    receiver.answers = [("503 Busy", ""), ("429 Slow down", "retry-after: 0\r\n"), ("500 No", ""), ("204 OK", "")]
    alerting, outcomes = await tell()

    assert len(receiver.received) == 4
    assert {received.headers["idempotency-key"] for received in receiver.received} == {idempotency_key(ALERT)}
    assert outcomes == {"delivered": 1}
    assert alerting.health["error"] is None


async def test_a_receiver_says_when_to_come_back(receiver: Receiver, caplog) -> None:
    receiver.answers = [("429 Slow down", "retry-after: 3600\r\n")]
    outcomes: Counter[str] = Counter()
    given = AlertSettings.model_validate({"allowed_hosts": ["127.0.0.1"], "webhook": receiver.url})
    alerting = Alerting(given, lambda outcome: outcomes.update([outcome]), first_wait_s=0.001)
    alerting.tell(ALERT)
    await receiver.answered.wait()
    await alerting.close(within_s=0.2)

    assert len(receiver.received) == 1, "it does not come back within milliseconds"
    assert outcomes == {"dropped": 1}


@pytest.mark.parametrize("status", ["400 Bad", "401 Who", "404 Gone", "302 Elsewhere"])
async def test_what_will_not_get_better_is_not_tried_again(tell: Tell, receiver: Receiver, status: str) -> None:
    receiver.answers = [(status, "location: http://127.0.0.1:1/\r\n")]
    alerting, outcomes = await tell()

    assert len(receiver.received) == 1
    assert outcomes == {"failed": 1}
    assert alerting.health["error"] == f"HTTP {status[:3]}"


async def test_a_receiver_that_hangs_costs_its_timeout_and_no_more(tell: Tell, receiver: Receiver) -> None:
    receiver.answers = [None, ("200 OK", "")]
    _, outcomes = await tell(timeout_s=0.1)

    assert len(receiver.received) == 2
    assert outcomes == {"delivered": 1}


async def test_when_nobody_listens_it_is_tried_as_often_as_the_policy_says(tell: Tell, receiver: Receiver) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        alerting, outcomes = await tell(webhook=url, attempts=3)

    assert outcomes == {"failed": 1}
    assert alerting.health["error"] == "ConnectError"


async def test_one_alert_that_fails_does_not_keep_the_next_from_being_sent(tell: Tell, receiver: Receiver) -> None:
    receiver.answers = [("400 Bad", ""), ("200 OK", "")]
    _, outcomes = await tell(ALERT, ALERT._replace(threshold_percent=100))

    assert outcomes == {"failed": 1, "delivered": 1}


async def test_with_a_secret_what_is_sent_is_signed(tell: Tell, receiver: Receiver) -> None:
    secret = "sixteen characters"
    await tell(secret=secret)

    (received,) = receiver.received
    at, v1 = (part.partition("=")[2] for part in received.headers["x-governance-signature"].split(","))
    expected = hmac.new(secret.encode(), f"{at}.".encode() + received.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(v1, expected)


@pytest.mark.parametrize("answer", [("500 No", ""), ("200 OK", ""), None])
async def test_nothing_secret_is_in_the_log_or_in_health(tell: Tell, receiver: Receiver, caplog, answer) -> None:
    caplog.set_level("DEBUG")
    receiver.answers = [answer]
    alerting, _ = await tell(attempts=2, timeout_s=0.1, secret="sixteen characters")

    said = caplog.text + json.dumps(alerting.health)
    assert "a-secret-path" not in said
    assert "sixteen characters" not in said
    assert alerting.health["webhook"] == "127.0.0.1"


async def test_an_address_that_a_library_spells_otherwise_is_in_no_log_either(
    tell: Tell, receiver: Receiver, caplog
) -> None:
    caplog.set_level("DEBUG")
    receiver.url = receiver.url.replace("a-secret-path", "a-sécret-päth")
    await tell()

    assert receiver.received
    assert "cret-p" not in caplog.text
    assert "another" not in caplog.text


async def test_without_a_webhook_an_alert_is_logged(caplog) -> None:
    outcomes: list[str] = []
    Alerting(AlertSettings(), outcomes.append).tell(ALERT)

    assert "limit research team of team research has passed 80 %" in caplog.text
    assert outcomes == []


def test_another_window_is_another_alert() -> None:
    rolling = ALERT._replace(window=60)

    assert idempotency_key(ALERT) == idempotency_key(ALERT._replace(at_s=2.0, used=900_000))
    assert idempotency_key(ALERT) != idempotency_key(ALERT._replace(resets_at_s=1_798_761_600.0))
    assert idempotency_key(ALERT) != idempotency_key(ALERT._replace(threshold_percent=100))
    assert idempotency_key(rolling) != idempotency_key(rolling._replace(at_s=500.0))


def resolver(*answers: str) -> Callable[[str, int], Awaitable[list[str]]]:
    """Another address each time it is asked, the last one for ever."""
    left = list(answers)

    async def resolve(host: str, port: int) -> list[str]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return resolve


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.5", "192.168.1.1", "169.254.169.254", "::ffff:127.0.0.1", "fd00:ec2::254"]
)
async def test_nothing_is_sent_to_an_address_that_is_not_of_the_public_internet(
    tell: Tell, receiver: Receiver, address: str
) -> None:
    webhook = receiver.url.replace("http://127.0.0.1", "https://hooks.example.com")
    alerting, outcomes = await tell(webhook=webhook, allowed_hosts=[], resolve=resolver(address), attempts=2)

    assert (outcomes, receiver.received) == ({"failed": 1}, [])
    assert alerting.error is not None
    assert "telemetry.alerts.allowed_hosts" in alerting.error
    assert "a-secret-path" not in alerting.error


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200"])
async def test_nobody_can_allow_metadata_addresses(tell: Tell, receiver: Receiver, address: str) -> None:
    webhook = receiver.url.replace("127.0.0.1", "hooks.internal")
    _, outcomes = await tell(webhook=webhook, allowed_hosts=["hooks.internal"], resolve=resolver(address), attempts=1)

    assert outcomes == {"failed": 1}


async def test_the_address_that_was_checked_is_the_one_that_is_talked_to(tell: Tell, receiver: Receiver) -> None:
    webhook = receiver.url.replace("127.0.0.1", "hooks.internal")
    changing = resolver("127.0.0.1", "169.254.169.254")
    alerting, outcomes = await tell(webhook=webhook, allowed_hosts=["hooks.internal"], resolve=changing)

    assert (outcomes, alerting.error) == ({"delivered": 1}, None)
    assert receiver.received[0].headers["host"].startswith("hooks.internal:")


@pytest.mark.parametrize(
    "webhook",
    [
        "http://hooks.example.com/very-secret",
        "https://me:very-secret@hooks.example.com/",
        "https://b\u00fccher.example/",
    ],
)
def test_a_webhook_is_https_unless_its_host_is_allowed_and_is_not_repeated(webhook: str) -> None:
    with pytest.raises(ValueError, match="the `webhook` must be https") as refused:
        AlertSettings.model_validate({"webhook": webhook})

    assert "very-secret" not in str(refused.value).partition("[type")[0]
    assert AlertSettings.model_validate({"webhook": "http://h.internal/x", "allowed_hosts": ["h.internal"]})
