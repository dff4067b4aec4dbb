"""governance_plugins.failover"""

import pytest

from governance.engine.host import Host
from governance.model import Failure, Recovery, Request, Target
from governance.model.errors import PolicyError
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
    assert recovery("{}", Failure("server_error", 500)) == Recovery(10, after=3, within_s=60)


def test_failures_without_a_rule_do_not_cool_down() -> None:
    assert recovery("{}", Failure("timeout")) == Recovery()


@pytest.mark.parametrize("kind", ["invalid_request", "content_policy"])
def test_what_is_wrong_with_the_request_is_not_tried_elsewhere(kind: str) -> None:
    assert not recovery("{}", Failure(kind)).try_next


def test_the_policy_may_say_what_is_not_tried_elsewhere() -> None:
    assert recovery("{do_not_retry: [timeout]}", Failure("invalid_request")).try_next
    assert not recovery("{do_not_retry: [timeout]}", Failure("timeout")).try_next


def test_no_more_targets_are_tried_than_allowed() -> None:
    assert recovery("{max_attempts: 2}", Failure("timeout", attempt=1)).try_next
    assert not recovery("{max_attempts: 2}", Failure("timeout", attempt=2)).try_next


def test_an_unknown_kind_of_failure_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PolicyError, match="rate_limited"):
        recovery("{do_not_retry: [tiredness]}", Failure("timeout"))
