"""Work in a process of its own: what comes of it is what would have come of it here."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from governance.apart import LARGE, apart
from governance.apart.parts import EACH, parts
from governance.engine.host import Host
from governance.model.errors import GovernanceError, PolicyError
from governance.usecases.compare import compare, compare_and_touch

LIMIT = "  - {{name: limit {0}, subject: {{team: t{0}}}, match: 'tags.exists(t, t == \"x{1}\")', requests: 5/minute}}\n"
POLICY = "version: 1\nrate_limits:\n" + "".join(LIMIT.format(i, i % 9) for i in range(500))

Beside = Callable[..., Any]


@pytest.fixture
def beside() -> Beside:
    """Calls on another thread than the main one."""

    def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(function, *args, **kwargs).result()

    return call


def test_only_what_is_large_and_beside_the_main_thread_gets_a_process(beside: Beside) -> None:
    here = os.getpid()

    assert apart(os.getpid, size=LARGE) == here
    assert beside(apart, os.getpid, size=LARGE - 1) == here
    assert beside(apart, os.getpid, size=LARGE) != here


def test_a_large_policy_is_the_same_whoever_reads_it(beside: Beside) -> None:
    assert len(POLICY) >= LARGE

    here, there = Host.parse(POLICY), beside(Host.parse, POLICY)

    assert there.policy == here.policy
    assert there.policy.entries == here.policy.entries


def test_every_mistake_of_a_large_policy_arrives(beside: Beside) -> None:
    with pytest.raises(PolicyError) as here:
        Host.parse(POLICY.replace("5/minute", "5/moment"))
    with pytest.raises(PolicyError) as there:
        beside(Host.parse, POLICY.replace("5/minute", "5/moment"))

    assert there.value.problems == here.value.problems


def test_what_cannot_be_handed_over_is_done_here_and_said(beside: Beside, caplog: pytest.LogCaptureFixture) -> None:
    assert type(beside(apart, threading.Lock, size=LARGE)) is type(threading.Lock())

    assert "cannot be handed over between processes (TypeError): it runs beside requests" in caplog.text


def test_the_difference_of_large_policies_is_the_same_whoever_looks(beside: Beside) -> None:
    one, other = (
        Host.parse(POLICY),
        Host.parse(POLICY.replace("5/minute", "6/minute").replace("name: limit 7,", "name: x,")),
    )

    assert beside(compare_and_touch, one, other) == compare_and_touch(one, other)
    assert len(beside(compare, one, other)) > 400


def test_policies_that_only_this_process_can_read_are_compared_here(
    beside: Beside, caplog: pytest.LogCaptureFixture
) -> None:
    text = POLICY.replace("{team: t0}", '{team: "${ONLY_HERE}"}')
    one, other = (
        Host.parse(each, "policy", {"ONLY_HERE": "a"}) for each in (text, text.replace("5/minute", "6/minute"))
    )

    assert beside(compare, one, other) == compare(one, other)
    assert "cannot in a process of its own: PolicyError" in caplog.text


def test_a_process_that_is_killed_is_told(beside: Beside) -> None:
    with pytest.raises(GovernanceError, match="_exit: the process that was to do it ended before"):
        beside(apart, os._exit, 9, size=LARGE)


def test_what_is_printed_gets_not_between_what_is_told(beside: Beside) -> None:
    assert beside(apart, print, "from a plugin", size=LARGE) is None


def test_a_policy_is_taken_over_a_few_entries_at_a_time() -> None:
    policy = Host.parse(POLICY).policy

    found = list(parts(policy))

    assert max(map(len, found)) <= EACH
    there = {id(entry) for part in found for entry in part}
    for long in (policy.sections["rate_limits"].root, policy.entries["limits"]):
        assert {id(entry) for entry in long} <= there
