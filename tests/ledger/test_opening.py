"""What a ledger is opened with and guarded by: its URL and realm, its scripts, its breaker."""

from __future__ import annotations

import pytest

from governance.ledger import open_ledger, split_counts
from governance.ledger.breaker import Breaker
from governance.ledger.scripts import script


def test_a_breaker_opens_after_five_failures_in_a_row_and_probes_once_a_second() -> None:
    now, changes = [0.0], []
    breaker = Breaker(changes.append, lambda: now[0])
    for _ in range(4):
        breaker.failed()
    breaker.succeeded()
    for _ in range(5):
        assert breaker.lets_through()
        breaker.failed()

    assert changes == [True]
    assert not breaker.lets_through()
    now[0] = 1.0
    assert [breaker.lets_through(), breaker.lets_through()] == [True, False], "one probe"
    breaker.failed()
    now[0] = 2.0
    assert breaker.lets_through()
    breaker.succeeded()
    assert changes == [True, False]
    assert breaker.lets_through()


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
