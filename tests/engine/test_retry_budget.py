"""How many extra attempts there may be while targets fail."""

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.retry_budget import Retries
from governance.ledger.memory import MemoryLedger
from governance.model import Failure, Request, RetryBudget

POLICY = """\
version: 1
failover: {max_elapsed: 20s, cool_down: {}, retry_budget: {percent: 20, at_least: 3}}
routing_profiles:
  - name: Pair
    virtual_provider: pair
    targets: [{provider: a, priority: 1}, {provider: b, priority: 2}]
"""


class Clock:
    now_s = 1_795_176_000.0

    def __call__(self) -> float:
        return self.now_s


def test_extra_attempts_are_a_share_of_first_ones_with_a_floor() -> None:
    clock, budget = Clock(), RetryBudget(20, 3)
    retries = Retries(clock)
    for _ in range(30):
        retries.attempted("family", extra=False)
    retries.ended("ill", failed=True)
    granted = 0
    while not retries.refuses(budget, "family", "ill"):
        retries.attempted("family", extra=True)
        granted += 1

    assert granted == 6
    assert not retries.refuses(budget, "another", "ill"), "3 in any case"
    assert not retries.refuses(budget, "family", "well"), "who is well may always be tried"
    retries.ended("ill", failed=False)
    assert not retries.refuses(budget, "family", "ill"), "half of it is not most of it"
    retries.ended("ill", failed=True)
    assert retries.refuses(budget, "family", "ill")
    clock.now_s += 10.1
    assert not retries.refuses(budget, "family", "ill"), "what was ten seconds ago is over"


async def test_a_hop_to_a_target_that_mostly_fails_is_skipped_above_the_budget() -> None:
    clock = Clock()
    engine = Engine(Host.parse(POLICY), MemoryLedger(clock), clock=clock)
    skipped = []
    for _ in range(6):
        decision = await engine.admit(Request("pair/m"))
        for name in ("a/m", "b/m"):
            refusal = await engine.attempt(decision, name)
            if refusal is None:
                await engine.fail(decision, Failure("server_error", 500))
            else:
                skipped.append(refusal.code)

    assert skipped == ["retry_budget_exhausted"] * 3


async def test_a_request_that_has_lasted_long_enough_tries_nobody_else() -> None:
    clock = Clock()
    engine = Engine(Host.parse(POLICY), MemoryLedger(clock), clock=clock)
    decision = await engine.admit(Request("pair/m"))
    await engine.attempt(decision, "a/m")
    clock.now_s += 19
    assert (await engine.fail(decision, Failure("timeout"))).try_next
    await engine.attempt(decision, "b/m")
    clock.now_s += 1

    assert not (await engine.fail(decision, Failure("timeout"))).try_next
