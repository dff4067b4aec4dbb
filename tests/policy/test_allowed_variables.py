"""`access.environment`: which variables a policy may use."""

from __future__ import annotations

import json

import pytest

from governance.model.errors import PolicyError
from governance.policy.environment import within
from tests.policy.conftest import Parse

LEDGER = {"url": "${REDIS_URL}"}


@pytest.mark.parametrize("allowed", [["REDIS_URL"], ["A", "REDIS_*"], ["*"], None])
def test_a_variable_that_is_listed_fills_in(parse: Parse, allowed: list[str] | None) -> None:
    policy = parse(json.dumps({"ledger": LEDGER, "access": {"environment": allowed}}))

    assert policy.core.ledger.url == "redis://:hunter2@redis.internal:6379/0"


@pytest.mark.parametrize("allowed", [[], ["REDIS"], ["REDIS_UR"], ["redis_url"], ["URL*"], ["REDIS_URL_*"]])
def test_any_other_is_a_mistake_on_its_line(parse: Parse, allowed: list[str]) -> None:
    with pytest.raises(PolicyError) as refused:
        parse(json.dumps({"access": {"environment": allowed}, "ledger": LEDGER}, indent=0))

    (problem,) = refused.value.problems
    listed = ", ".join(allowed) or "none"
    assert problem.path == "ledger.url"
    assert problem.message == f"environment variable `REDIS_URL` may not be used; `access.environment` allows {listed}"
    assert problem.line > 1


def test_whether_a_variable_is_set_shows_only_of_those_that_are_listed(parse: Parse) -> None:
    with pytest.raises(PolicyError) as refused:
        parse(json.dumps({"access": {"environment": []}, "ledger": {"url": "${NOT_SET}${PROVIDER}"}}))

    assert "`NOT_SET` may not be used" in str(refused.value)


def test_a_document_in_the_gateway_plugin_format_lists_them_too(parse: Parse) -> None:
    config = {"ledger": LEDGER, "access": {"environment": ["PROVIDER"]}}

    with pytest.raises(PolicyError, match="`REDIS_URL` may not be used"):
        parse(json.dumps({"name": "governance", "enabled": True, "config": config}))


def test_no_variable_makes_a_document_one_of_that_format(parse: Parse) -> None:
    # Else its list would be looked for where a variable put it.
    document = {"name": "${PROVIDER}", "config": {"access": {"environment": []}, "ledger": LEDGER}}

    with pytest.raises(PolicyError, match="name: no such plugin"):
        parse(json.dumps(document).replace("PROVIDER", "NAMED_GOVERNANCE"))


def test_a_policy_over_the_network_has_the_variables_that_the_file_lists() -> None:
    environment = {"REDIS_URL": "memory://", "REDIS_PASSWORD": "hunter2", "HOME": "/root"}

    assert within(environment, ("REDIS_*",)).keys() == {"REDIS_URL", "REDIS_PASSWORD"}
    assert within(environment, ("HOME",)).keys() == {"HOME"}
    assert within(environment, ()) == {}
    assert within(environment, None) == environment
