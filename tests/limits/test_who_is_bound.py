"""Whether a limit may bind somebody of whom only the identity is known."""

import pytest

from governance.engine.host import Host
from governance.model import Identity, Request

TEAM = Identity(virtual_key_id="k", team_id="t", metadata={"tier": "free"})


def bound(section: str, identity: Identity = TEAM, tags: tuple[str, ...] = ()) -> str | None:
    host = Host.parse(f"version: 1\n{section}\n")
    return host.limit_on(Request("", request_type="videos", identity=identity, tags=tags))


@pytest.mark.parametrize(
    "limit",
    [
        "{name: it, subject: everyone, requests: 1/day}",
        "{name: it, subject: {team: t}, requests: 1/day}",
        '{name: it, subject: {team: "*"}, tokens: 1/day}',
        "{name: it, subject: {provider: openai}, requests: 1/day}",
        "{name: it, subject: {team: t, model: gpt-5}, requests: 1/day}",
        "{name: it, subject: {metadata: tier}, requests: 1/day}",
        """{name: it, subject: everyone, match: 'metadata.tier == "free"', requests: 1/day}""",
        """{name: it, subject: everyone, match: 'model == "gpt-5"', requests: 1/day}""",
        """{name: it, subject: {team: t}, match: 'request_type == "chat"', requests: 1/day}""",
        """{name: it, subject: everyone, match: 'prompt_tokens > 1000', requests: 1/day}""",
    ],
)
def test_a_limit_that_may_count_the_caller_binds_him(limit: str) -> None:
    assert bound(f"rate_limits:\n  - {limit}") == "it"


@pytest.mark.parametrize(
    "limit",
    [
        "{name: it, subject: {team: other}, requests: 1/day}",
        '{name: it, subject: {user: "*"}, requests: 1/day}',
        "{name: it, subject: {team: other, model: gpt-5}, requests: 1/day}",
        "{name: it, subject: everyone, requests: 1/day, enabled: false}",
        "{name: it, subject: everyone, requests: 1/day, mode: shadow}",
        """{name: it, subject: everyone, match: 'metadata.tier == "paid"', requests: 1/day}""",
        """{name: it, subject: {team: other}, match: 'model == "gpt-5"', requests: 1/day}""",
    ],
)
def test_a_limit_on_others_or_one_that_only_watches_binds_nobody(limit: str) -> None:
    assert bound(f"rate_limits:\n  - {limit}") is None


def test_a_budget_binds_like_any_limit() -> None:
    assert bound("budgets:\n  - {name: money, subject: {team: t}, amount: 1 USD/day}") == "money"


def test_a_plugin_that_cannot_say_is_taken_to_bind() -> None:
    class Broken:
        def limit_on(self, request: Request) -> str | None:
            raise RuntimeError("broken")

    host = Host.parse("version: 1\n")

    assert Host(host.policy, [("broken", Broken())]).limit_on(Request("")) == "broken"
