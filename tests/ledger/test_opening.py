"""What a ledger is opened with and guarded by: its URL and realm, its scripts, its breaker."""

from __future__ import annotations

import pytest

from governance.ledger import open_ledger, split_counts
from governance.ledger.breaker import Breaker
from governance.ledger.scripts import script


def test_a_breaker_opens_after_five_failures_in_a_row_and_closes_when_somebody_found_it_well() -> None:
    now, changes = [0.0], []
    breaker = Breaker(changes.append, lambda: now[0])
    for _ in range(4):
        now[0] += 1
        breaker.failed(now[0])
    breaker.succeeded()
    for _ in range(5):
        assert not breaker.open
        now[0] += 1
        breaker.failed(now[0])

    assert (breaker.open, changes) == (True, [True])
    breaker.succeeded()
    assert (breaker.open, changes) == (False, [True, False])


def test_one_failure_counts_once_however_many_calls_were_under_way() -> None:
    now = [0.0]
    breaker = Breaker(lambda is_open: None, lambda: now[0], failures=2)
    began = [now[0], now[0] + 0.1, now[0] + 0.2]
    now[0] = 0.3
    for each in began:
        breaker.failed(each)
    assert not breaker.open, "one lost connection"
    now[0] = 0.6
    breaker.failed(0.4)

    assert breaker.open, "and another one"


def test_probes_are_frequent_for_two_seconds_and_then_twice_as_far_apart_each_time() -> None:
    now = [10.0]
    breaker = Breaker(lambda is_open: None, lambda: now[0], failures=1)
    breaker.failed(now[0])
    assert [breaker.pause_s() for _ in range(3)] == [0.05, 0.05, 0.05]
    now[0] += 2.1

    assert [round(breaker.pause_s(), 2) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    breaker.succeeded()
    breaker.failed(now[0] + 1)
    assert breaker.pause_s() == 0.05


def test_memory_is_told_to_be_wrong_for_several_workers_only() -> None:
    assert split_counts("memory://", 1) is None
    assert split_counts("redis://localhost", 8) is None
    assert "4 times" in str(split_counts("memory://", 4))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://localhost", "no ledger"),
        ("redis+sentinel://localhost:26379", "master's name"),
        ("redis+cluster://:x:y", "no host:port"),
    ],
)
def test_a_url_that_names_no_ledger_is_refused_and_says_what_would(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_ledger(url)


def test_a_realm_cannot_break_out_of_its_braces() -> None:
    with pytest.raises(ValueError, match="realm"):
        open_ledger("redis://localhost", realm="a}b{c")


def test_scripts_name_no_libraries_that_only_some_servers_have() -> None:
    for name in ("reserve", "move", "finish", "cool_down", "health"):
        text = script(name).text.decode()

        assert not any(library in text for library in ("struct.", "cmsgpack", "cjson", "bit."))
