"""governance_plugins.failover"""

from typing import get_args

import pytest

from governance.engine.host import Host
from governance.model import Failure, Recovery, Request, RetryBudget, Target
from governance.model.errors import PolicyError
from governance.model.failure_kinds import BY_NAME, KINDS, Kind
from governance.model.vocabulary import FailureKind
from governance.trace import Trace
from governance_plugins.failover.config import CoolDown, parse_cool_down


def recovery(failover: str, failure: Failure) -> Recovery:
    host = Host.parse(f"version: 1\nfailover: {failover}\n")
    request = Request("fast/x")
    return host.on_failure(request, Target("cerebras/x"), failure, Trace(request, "", 0, "live"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("15s", CoolDown(15)),
        ("5m", CoolDown(300)),
        ("retry_after", CoolDown(None)),
        ("10s after 3 in 60s", CoolDown(10, 3, 60)),
        ("retry_after after 2 in 1 minute", CoolDown(None, 2, 60)),
        ("15s unless alone", CoolDown(15, unless_alone=True)),
        ("10s after 3 in 60s unless alone", CoolDown(10, 3, 60, True)),
    ],
)
def test_cool_downs_are_read_as_written(text: str, meant: CoolDown) -> None:
    assert parse_cool_down(text) == meant


@pytest.mark.parametrize(
    "text", ["", "soon", "15", "-1s", "2d", "10s after 1 in 60s", "10s after 3", "10s after x in 60s"]
)
def test_other_cool_downs_are_refused(text: str) -> None:
    with pytest.raises(PolicyError):
        recovery(f"{{cool_down: {{timeout: '{text}'}}}}", Failure("timeout"))


def test_a_provider_that_says_how_long_is_believed() -> None:
    assert recovery("{}", Failure("rate_limited", 429, 17.0)).cool_down_s == 17


def test_a_provider_that_says_nothing_is_left_alone_for_ten_seconds() -> None:
    assert recovery("{}", Failure("rate_limited", 429)).cool_down_s == 10


def test_no_cool_down_lasts_longer_than_a_day() -> None:
    assert recovery("{}", Failure("rate_limited", 429, 1e9)).cool_down_s == 86_400


def test_single_server_errors_are_forgiven() -> None:
    assert recovery("{}", Failure("server_error", 500)) == Recovery(10, after=3, within_s=60, budget=RetryBudget())


def test_failures_without_a_rule_do_not_cool_down() -> None:
    assert recovery("{cool_down: {auth: 5m}}", Failure("timeout")) == Recovery(budget=RetryBudget())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_failure_has_its_defaults(kind: Kind) -> None:
    found = recovery("{}", Failure(kind.name))

    assert found.try_next is kind.retry
    assert (found.cool_down_s > 0) is bool(kind.cool_down)


def test_who_may_fail_is_every_word_of_the_policy() -> None:
    assert sorted(BY_NAME) == sorted(get_args(FailureKind))


def test_only_what_is_wrong_with_the_request_everywhere_is_not_tried_elsewhere() -> None:
    assert [kind.name for kind in KINDS if not kind.retry] == ["invalid_request"]


@pytest.mark.parametrize("kind", ["timeout", "connection_error"])
def test_who_has_nobody_else_is_asked_again_at_once(kind: str) -> None:
    assert recovery("{}", Failure(kind)).cool_down_s == 15
    assert recovery("{}", Failure(kind, alone=True)).cool_down_s == 0
    assert recovery(f"{{cool_down: {{{kind}: 15s}}}}", Failure(kind, alone=True)).cool_down_s == 15


def test_an_account_that_is_used_up_is_left_alone_until_the_date_that_is_stated() -> None:
    assert recovery("{}", Failure("account_exhausted", 402)).cool_down_s == 600
    assert recovery("{}", Failure("account_exhausted", 402, 3_600.0)).cool_down_s == 3_600


def test_kinds_that_were_part_of_another_take_its_rule_where_that_alone_is_named() -> None:
    assert recovery("{cool_down: {server_error: 7s}}", Failure("connection_error")).cool_down_s == 7
    assert recovery("{cool_down: {rate_limited: 7s}}", Failure("account_exhausted")).cool_down_s == 7


def test_the_policy_may_say_what_is_not_tried_elsewhere() -> None:
    assert recovery("{do_not_retry: [timeout]}", Failure("invalid_request")).try_next
    assert not recovery("{do_not_retry: [timeout]}", Failure("timeout")).try_next


def test_no_more_targets_are_tried_than_allowed() -> None:
    assert recovery("{max_attempts: 2}", Failure("timeout", attempt=1)).try_next
    assert not recovery("{max_attempts: 2}", Failure("timeout", attempt=2)).try_next


def test_an_unknown_kind_of_failure_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PolicyError, match="rate_limited"):
        recovery("{do_not_retry: [tiredness]}", Failure("timeout"))
