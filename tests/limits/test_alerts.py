"""Near-limit alerts: once per threshold and window, by whichever proxy sees it first."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger import Ledger, Reading
from governance.ledger.memory import MemoryLedger
from governance.limits.alerts import Alert, Alerts
from governance.model import Identity, Request, Usage, Window
from governance.model.errors import LedgerUnavailable
from tests.patience import happens

NOW_S = 1_795_176_000.0
CI = Identity(team_id="research")


class Clock:
    now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


def engine(ledger: Ledger, clock: Clock, tell: Callable[[Alert], None], **limit: Any) -> Engine:
    entry = {"name": "team", "subject": {"team": "*"}, "alert_at": ["50%", "90%"], **limit}
    return Engine(Host.parse(yaml.safe_dump({"version": 1, "rate_limits": [entry]})), ledger, clock=clock, tell=tell)


async def ask(of: Engine, times: int = 1) -> None:
    for _ in range(times):
        await of.admit(Request("openai/gpt-4o", identity=CI, prompt_tokens=10, request_type="embedding"))
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)


async def test_each_threshold_is_told_once_in_a_window_by_one_of_all_proxies() -> None:
    clock, told = Clock(), list[Alert]()
    ledger = MemoryLedger(clock)
    proxies = [engine(ledger, clock, told.append, requests="10/minute") for _ in range(3)]

    for _ in range(4):
        for proxy in proxies:
            await ask(proxy)

    assert [(a.limit, a.subject, a.threshold_percent) for a in told] == [
        ("team", "team:research", 50),
        ("team", "team:research", 90),
    ]
    assert (told[0].used, told[0].limit_amount, told[0].unit, told[0].window) == (5, 10, "requests", 60)


async def test_the_next_window_is_told_anew() -> None:
    clock, told = Clock(), list[Alert]()
    proxy = engine(MemoryLedger(clock), clock, told.append, requests="2/minute")
    await ask(proxy, 2)
    clock.now_s += 61

    await ask(proxy, 2)

    assert [alert.threshold_percent for alert in told] == [50, 50]


async def test_of_thresholds_passed_at_once_the_highest_is_told() -> None:
    clock, told = Clock(), list[Alert]()
    proxy = engine(MemoryLedger(clock), clock, told.append, tokens="10/minute")

    await ask(proxy, 2)

    assert [(alert.threshold_percent, alert.used) for alert in told] == [(90, 10)]


async def test_what_an_answer_used_is_told_without_another_request() -> None:
    clock, told, read = Clock(), list[Alert](), asyncio.Event()

    def tell(alert: Alert) -> None:
        told.append(alert)
        read.set()

    proxy = engine(MemoryLedger(clock), clock, tell, tokens="1k/minute")
    decision = await proxy.admit(Request("openai/gpt-4o", identity=CI, prompt_tokens=10, max_output_tokens=10))
    await proxy.settle(decision, "openai/gpt-4o", Usage(10, 990, None))

    await happens(read.wait())

    assert [(alert.threshold_percent, alert.used) for alert in told] == [(90, 1000)]


async def test_a_ledger_that_is_away_tells_nothing_until_it_is_back() -> None:
    clock, told, heard = Clock(), list[Alert](), asyncio.Event()

    def tell(alert: Alert) -> None:
        told.append(alert)
        heard.set()

    class Away(MemoryLedger):
        away = False

        async def reserve(self, *args: Any, **kwargs: Any) -> Any:
            if self.away and kwargs["deadline_s"] == 60:
                raise LedgerUnavailable("gone")
            return await super().reserve(*args, **kwargs)

    ledger = Away(clock)
    proxy = engine(ledger, clock, tell, requests="4/minute")
    ledger.away = True
    await ask(proxy, 3)
    assert told == []

    ledger.away = False
    await happens(heard.wait())

    assert [alert.threshold_percent for alert in told] == [50]


async def test_a_simulation_tells_nobody() -> None:
    clock, told = Clock(), list[Alert]()
    proxy = engine(MemoryLedger(clock), clock, told.append, requests="1/minute")
    await ask(proxy)
    told.clear()

    await proxy.admit(Request("openai/gpt-4o", identity=CI), mode="simulated")
    await asyncio.sleep(0)

    assert told == []


async def test_what_is_to_be_looked_at_again_is_bounded() -> None:
    clock = Clock()
    alerts = Alerts(MemoryLedger(clock), "r", lambda alert: None, clock=clock)

    for i in range(12_000):
        alerts.look_again([Window("l", f"tag:{i}", "requests", 10, 60, alert_at=(50,))])

    assert len(alerts._again) == 10_000
    alerts.close()


async def test_what_could_not_be_read_again_is_read_when_the_ledger_answers() -> None:
    clock, told, read = Clock(), list[Alert](), asyncio.Event()

    class Away(MemoryLedger):
        answers = iter((False, True))

        async def read(self, windows: Sequence[Window]) -> tuple[Reading, ...]:
            if not next(self.answers):
                raise LedgerUnavailable("gone")
            return await super().read(windows)

    def tell(alert: Alert) -> None:
        told.append(alert)
        read.set()

    proxy = engine(Away(clock), clock, tell, tokens="1000/minute")
    decision = await proxy.admit(Request("openai/gpt-4o", identity=CI, prompt_tokens=10, max_output_tokens=10))
    await proxy.settle(decision, "openai/gpt-4o", Usage(10, 990, None))

    await happens(read.wait())

    assert [alert.threshold_percent for alert in told] == [90]
