"""A seeded workload on real proxies under several policies at once, and what a backtest of one says of the others.

All proxies get each request in the same moment, so that a slow machine is slow for all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from governance.backtest.figures import Figure
from governance.backtest.report import Report
from governance.backtest.run import backtest
from governance.catalog import installed_prices
from governance.engine.host import Host
from governance.policy.litellm_file import read_catalog
from governance.traffic import TraceLine
from governance.traffic.files import files_in
from governance.traffic.reading import by_arrival
from tests.e2e.beside import served
from tests.e2e.conftest import Proxy, key
from tests.e2e.scripted import chat
from tests.patience import ANSWER_S, TURN_S, Patience, turns

# A window has to be longer than a burst takes, or whoever asks at its edge is let in by chance: by milliseconds that
# differ from one proxy to the next. A machine that is too slow for one length is given the next one.
WINDOWS_S = (12, 20, 40, 90)
BURSTS = 2
TEAMS = 10
EACH = 10
CANDIDATES = 3
MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1-mini")
# How much longer the answers of each model are than those of the first.
FACTORS = {"gpt-4o-mini": 1.0, "gpt-4o": 0.8, "gpt-4.1-mini": 1.4}


class Ask(NamedTuple):
    """One request: of whom, in which burst, how long the prompt is, and how long the answer may be."""

    team: int
    burst: int
    words: int
    most: int | None


class Outcome(NamedTuple):
    """What was predicted, and what came of it. `requests`: that were sent to each proxy."""

    itself: Report
    report: Report
    requests: int
    refused: int
    cost: int

    @property
    def refused_off(self) -> int:
        """By how many requests the predicted refusals are wrong; 0 within their range, where they have one."""
        return _outside(self.report.totals.refused.candidate, self.refused)

    @property
    def cost_off(self) -> int:
        """Micro-dollars by which what was spent is above the predicted range (below it: less than 0)."""
        return _outside(self.report.totals.cost.candidate, self.cost)

    @property
    def replayed(self) -> bool:
        """Whether the policy in force, replayed, does what was recorded, and is no change to itself."""
        return self.itself.fidelity.ppm == 1_000_000 and self.itself.empty

    def __str__(self) -> str:
        refused, cost = self.report.totals.refused, self.report.totals.cost
        return (
            f"{self.requests} requests; refused {refused.active.mid} -> {_told(refused.candidate, self.refused)}; "
            f"micro-dollars {cost.active.mid} -> {_told(cost.candidate, self.cost)}"
            + ("" if self.replayed else f"; not replayed as recorded: {self.itself.fidelity}")
        )


def _outside(predicted: Figure, live: int) -> int:
    low, high = predicted.low or 0, predicted.high or 0
    return live - min(max(live, low), high)


def _told(predicted: Figure, live: int) -> str:
    off = _outside(predicted, live)
    where = f"{abs(off)} {'above' if off > 0 else 'below'}" if off else "inside"
    return f"{predicted.low}..{predicted.high} ({predicted.label}), live {live}, {where}"


async def _answer(request: Request) -> JSONResponse:
    body = json.loads(await request.body())
    text = str(body["messages"][-1]["content"])
    drawn = hashlib.sha256(text.encode()).digest()
    output = max(1, round((5 + drawn[0]) * FACTORS[body["model"]]))
    output = min(output, body.get("max_tokens") or output)
    await asyncio.sleep(0.02 + drawn[1] / 5000)
    usage = {"prompt_tokens": len(text.split()), "completion_tokens": output}
    return JSONResponse(chat({**usage, "total_tokens": sum(usage.values())}))


@contextlib.contextmanager
def talker() -> Iterator[str]:
    """A provider whose answers are as long as the prompt and the model say; its address."""
    app = Starlette(routes=[Route("/{path:path}", _answer, methods=["POST"])])
    # A connection that is closed just when it is used again is a failure of one proxy that the others do not have.
    with served(app, resting_s=round(ANSWER_S)) as url:
        yield url


def config(url: str) -> dict[str, Any]:
    """LiteLLM's file for it."""
    return {
        "model_list": [
            {
                "model_name": f"openai/{model}",
                "litellm_params": {"model": f"openai/{model}", "api_key": "not-a-key", "api_base": f"{url}/v1"},
            }
            for model in MODELS
        ],
        "litellm_settings": {"callbacks": ["governance.proxy.callback.handler"]},
        "general_settings": {"master_key": "sk-end-to-end-tests-only", "custom_auth": "keys.user_api_key_auth"},
    }


def policies(seed: int, window_s: int) -> list[str]:
    """The one in force, and others of the same shape that differ in limits, in a budget, or in who serves first."""
    drawn = random.Random(seed)
    orders = [list(MODELS), *(drawn.choice([list(MODELS), drawn.sample(MODELS, 3)]) for _ in range(CANDIDATES))]
    return [_policy(drawn, order, window_s) for order in orders]


def _policy(drawn: random.Random, order: list[str], window_s: int) -> str:
    targets = "\n".join(f"  - {{provider: openai, model: {m}, priority: {i}}}" for i, m in enumerate(order, 1))
    text = f"version: 1\nrouting_profiles:\n- name: Fast\n  virtual_provider: fast\n  targets:\n{targets}\n"
    limits = [f"- {{name: pace, subject: {{team: '*'}}, requests: {drawn.randint(2, EACH + 2)}/{window_s}s}}"]
    if drawn.random() < 0.5:
        limits.append(f"- {{name: words, subject: {{team: '*'}}, tokens: {drawn.randint(1000, 6000)}/{window_s}s}}")
    text += "rate_limits:\n" + "\n".join(limits) + "\n"
    if drawn.random() < 0.5:
        text += (
            f"budgets:\n- {{name: purse, subject: {{team: '*'}}, amount: {drawn.uniform(0.0005, 0.004):.6f} USD/day}}\n"
        )
    return text


def workload(seed: int) -> list[Ask]:
    """Bursts of several teams, each of which sends one request after the other."""
    drawn = random.Random(seed)
    return [
        Ask(team, burst, drawn.randint(5, 120), drawn.choice([64, 256, 512]))
        for burst in range(BURSTS)
        for team in range(TEAMS)
        for _ in range(drawn.randint(EACH - 2, EACH + 2))
    ]


class _Over:
    """The requests that are over at a proxy, as its decision log tells them."""

    def __init__(self, proxy: Proxy) -> None:
        self._pid, self._decisions = proxy.pid, proxy.decisions
        self._read = 0
        self._ids: set[str] = set()

    async def seen(self, decision_id: str) -> None:
        """Until that one is over: settled, too, which comes after the answer."""
        patience = Patience(self._pid, self._decisions)
        while decision_id not in self._ids:
            assert patience.lasts(), f"never settled: {decision_id}"
            await asyncio.sleep(TURN_S)
            self._look()

    def _look(self) -> None:
        with self._decisions.open("rb") as file:
            file.seek(self._read)
            # Behind the last line there may be half of one.
            *lines, _ = file.read().split(b"\n")
        self._read += sum(len(line) + 1 for line in lines)
        self._ids.update(json.loads(line)["id"] for line in lines)


async def drive(proxies: Sequence[Proxy], asks: Sequence[Ask], seed: int, window_s: int) -> float:
    """Send each request to all of them at once; a window's length lies between two bursts.

    Returns how long a burst took at most, in seconds.
    """
    # A connection that rests between two bursts may be closed by the proxy just when it is used again.
    resting = httpx.Limits(keepalive_expiry=1.0)
    clients = [httpx.AsyncClient(base_url=proxy.url, timeout=ANSWER_S, limits=resting) for proxy in proxies]
    over = [_Over(proxy) for proxy in proxies]

    async def team(number: int, some: Sequence[Ask]) -> None:
        token = key(team_id=f"team-{number}", user_id=f"user-{number}")
        for nth, ask in enumerate(some):
            text = f"{seed} {number} {ask.burst} {nth} " + "word " * ask.words
            body = {"model": "fast/any", "messages": [{"role": "user", "content": text}], "max_tokens": ask.most}
            sent = {"json": body, "headers": {"authorization": f"Bearer {token}"}}
            answers = await asyncio.gather(*(client.post("/v1/chat/completions", **sent) for client in clients))
            # Whoever asks sooner meets what was reserved for the one before, or what it used, by chance.
            ids = [answer.headers["x-governance-decision-id"] for answer in answers]
            await asyncio.gather(*(each.seen(id) for each, id in zip(over, ids, strict=True)))

    async with contextlib.AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(client)
        longest_s = 0.0
        for burst in range(BURSTS):
            began_s = time.monotonic()
            of_burst = [[ask for ask in asks if (ask.burst, ask.team) == (burst, t)] for t in range(TEAMS)]
            await asyncio.gather(*(team(number, some) for number, some in enumerate(of_burst)))
            longest_s = max(longest_s, time.monotonic() - began_s)
            if burst < BURSTS - 1:
                # What was counted has to leave the windows: they are the clock of this workload.
                await asyncio.sleep(window_s + 0.5)
        return longest_s


def lines_of(proxy: Proxy, folder: Path, count: int) -> list[TraceLine]:
    """What a proxy has recorded, as soon as all of it is there."""
    for _ in turns(proxy.pid, folder):
        found = [line for line in by_arrival(files_in(folder)) if isinstance(line, TraceLine)]
        if len(found) >= count:
            return found
    raise AssertionError(f"{count} requests were sent, and {len(found)} were recorded")


def play(start: Callable[..., Any], seed: int, folder: Path, least_s: int) -> tuple[list[Outcome], int]:
    """One policy and its candidates, all of them live: the record of the first one is replayed under each.

    Args:
        least_s: how long windows are at least. How long they had to be is returned: no shorter one need be tried again.
    """
    for window_s in WINDOWS_S:
        if window_s < least_s:
            continue
        found, longest_s = _play(start, seed, folder / str(window_s), window_s)
        if longest_s < window_s - 1:
            return found, window_s
    raise AssertionError(f"a burst took {longest_s:.0f} s: this machine has too much else to do for this test")


def _play(start: Callable[..., Any], seed: int, folder: Path, window_s: int) -> tuple[list[Outcome], float]:
    texts = policies(seed, window_s)
    folders = [folder / str(number) for number in range(len(texts))]
    written = [f"{text}telemetry: {{trace: {{to: {to}}}}}\n" for text, to in zip(texts, folders, strict=True)]
    asks = workload(seed)
    with talker() as url, contextlib.ExitStack() as stack:
        proxies = [stack.enter_context(start(text, config(url))) for text in written]
        longest_s = asyncio.run(drive(proxies, asks, seed, window_s))
        recorded, *lives = (lines_of(proxy, to, len(asks)) for proxy, to in zip(proxies, folders, strict=True))
    file = folder / "litellm.yaml"
    file.write_text(yaml.safe_dump(config(url)), "utf-8")
    active, *candidates = (Host.parse(text).policy for text in written)
    catalog = read_catalog(file, active.core.catalog.known(installed_prices()))
    itself = backtest(active, active, recorded, catalog=catalog, processes=1)
    outcomes = [
        Outcome(
            itself,
            backtest(active, candidate, recorded, catalog=catalog, processes=1),
            len(asks),
            sum(line.told.outcome == "refuse" for line in live),
            sum(line.used.usd_micros or 0 for line in live if line.used),
        )
        for candidate, live in zip(candidates, lives, strict=True)
    ]
    return outcomes, longest_s
