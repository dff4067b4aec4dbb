"""Which models serve which task: seen, held against what a prompt brings, and changed for review."""

from __future__ import annotations

import html

from governance.policy.nodes import read_tree
from tests.pages.conftest import Office
from tests.pages.test_keys import policy_of

TASKS = "task_routing:\n  active_profile: eco\n  overrides: {code: [openai/gpt-4o]}  # dear\n"


async def test_tasks_are_shown_with_what_fits(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-viewer")
        without = (await browser.open("/tasks")).text
        office.engine = office.of_policy(TASKS)
        page = (await browser.open("/tasks")).text
        video = (await browser.open("/tasks?takes=video")).text

    assert "routes no tasks" in without
    assert "<code>auto</code> means eco" in page
    assert "not served here" in page
    assert "not known to take video" in video
    assert "<form method" not in page.split("<main")[1], "viewers change nothing"


async def test_what_comes_first_and_the_chains_of_a_profile_are_changed_for_review(office: Office) -> None:
    office.engine = office.of_policy(TASKS)
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        first = await browser.send_form("/tasks", task="code", models="openai/gpt-4o, group:fast")
        gone = await browser.send_form("/tasks", task="code", models="")
        profile = await browser.send_form(
            "/tasks", profile="mine", **{"chain.code": "openai/gpt-4o", "chain.fallback": "openai/gpt-4o-mini"}
        )
        wrong = await browser.send_form("/tasks", task="code", models="openai/*")

    def routing(page: str) -> dict[str, object]:
        found: dict[str, object] = read_tree(policy_of(page)[0], "policy").data["task_routing"]
        return found

    assert routing(first.text)["overrides"] == {"code": ["openai/gpt-4o", {"group": "fast"}]}
    assert "# dear" in policy_of(first.text)[0]
    assert not routing(gone.text).get("overrides")
    assert routing(profile.text)["profiles"] == {"mine": {"code": "openai/gpt-4o", "fallback": "openai/gpt-4o-mini"}}
    assert wrong.status_code == 422
    assert "must name one model" in html.unescape(wrong.text)
    assert 'value="openai/*"' in wrong.text


async def test_what_is_wrong_is_said_also_of_a_profile_that_is_not_there_and_without_tasks(office: Office) -> None:
    wrong = {"task": "code", "profile": "mine", "chain.code": "openai/*"}
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        without = await browser.send_form("/tasks", task="code", models="openai/*")
        office.engine = office.of_policy(TASKS)
        both = await browser.send_form("/tasks", **wrong)

    assert (without.status_code, both.status_code) == (422, 422)
    assert "What would be right" in without.text
    assert "must name one model" in html.unescape(both.text)
