"""Which LiteLLM may serve, and what is said of one that may not."""

import logging

import pytest

from governance.model.errors import GovernanceError
from governance.proxy.contract.behaviour import login_difference
from governance.proxy.contract.contract import Contract
from governance.proxy.contract.versions import check_version, untested


def test_a_version_older_than_those_tested_is_refused_in_a_sentence() -> None:
    with pytest.raises(GovernanceError, match=r"^LiteLLM 1\.105\.9 is too old for governance; install litellm==1"):
        check_version("1.105.9")


@pytest.mark.parametrize("told", ["1.106.0", "1.110.2", "1.111.0rc1", "2.0.0"])
def test_a_newer_version_is_left_to_the_probes(told: str) -> None:
    check_version(told)


def test_a_version_that_nobody_tested_is_told() -> None:
    assert untested("1.110.7") is None
    assert "LiteLLM 1.111.0 is newer" in str(untested("1.111.0"))


def test_what_differs_while_requests_are_served_is_logged_once_and_stays(caplog: pytest.LogCaptureFixture) -> None:
    held: list[tuple[str, bool]] = []
    contract = Contract("refuse", lambda probe, holds: held.append((probe, holds)))
    with caplog.at_level(logging.ERROR):
        contract.notice("attempt", "an attempt of a was announced as one of b")
        contract.notice("attempt", "an attempt of c was announced as one of d")

    assert [record.message.count("announced as one of b") for record in caplog.records] == [1]
    assert held == [("attempt", False)]
    assert contract.told["contract"] == "broken"


def test_the_probes_hold_here_and_leave_nothing_behind() -> None:
    import litellm

    before = list(litellm.callbacks), list(litellm._async_success_callback), set(litellm.model_cost)
    held: dict[str, bool] = {}
    contract = Contract("refuse", held.__setitem__)

    contract.probe()

    assert held
    assert all(held.values())
    assert (list(litellm.callbacks), list(litellm._async_success_callback), set(litellm.model_cost)) == before


def test_a_check_of_keys_that_the_login_of_the_pages_cannot_call_is_told() -> None:
    async def needs_more(request: object, api_key: str, session: object) -> None: ...

    def blocks(request: object, api_key: str) -> None: ...

    assert "session" in login_difference(needs_more)
    assert "coroutine" in login_difference(blocks)
