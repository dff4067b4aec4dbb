"""Two people change the policy at once: whoever reviews later takes nothing back of the other's change."""

from __future__ import annotations

import html
import re

import pytest

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.policy.nodes import read_tree
from tests.pages.conftest import POLICY, Browser, Office
from tests.pages.test_keys import policy_of
from tests.pages.test_sheets import fields

RULES = "- {name: one, model: a/b}\n- {name: two, model: a/c}\nrouting_profiles:\n"
BEFORE = POLICY.replace("routing_profiles:\n", RULES)


async def apply(office: Office, browser: Browser, text: str) -> None:
    """Somebody puts a text in force, and the worker follows."""
    done = await browser.send_form("/apply", base=office.engine.host.policy.revision, policy=text, comment="")
    assert done.status_code == 303, done.text
    office.engine = Engine(Host.parse(text), office.engine.ledger)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    assert found
    return html.unescape(found[1])


async def begun(browser: Browser, way: str) -> tuple[str, dict[str, str]]:
    """A change that somebody has begun: where it is sent, and what."""
    if way == "order":
        page = (await browser.open("/rules/order")).text
        form = {"base": hidden(page, "base"), "text": hidden(page, "text"), "do": "up two"}
        moved = (await browser.send_form("/rules/order", **form)).text
        return "/review", {"base": hidden(moved, "base"), "text": hidden(moved, "text"), "do": "review"}
    if way == "sheet":
        form = fields((await browser.open("/edit/limits?name=every team")).text)
        return "/sheet/limits", {**form, "alert_at": "80%", "do": "review"}
    base = hidden((await browser.open("/edit")).text, "base")
    return "/review", {"base": base, "text": BEFORE.replace("100 USD", "50 USD"), "do": "review"}


@pytest.mark.parametrize("way", ["order", "sheet", "whole"])
async def test_a_review_puts_the_change_into_the_policy_of_now(office: Office, way: str) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        await apply(office, browser, BEFORE)
        where, form = await begun(browser, way)
        await apply(office, browser, BEFORE.replace("2/minute", "3/minute"))
        review = (await browser.send_form(where, **form)).text
        text, base = policy_of(review)
        applied = await browser.send_form("/apply", base=base, policy=text, comment="")

    assert "The policy was changed since you began" in review
    assert applied.status_code == 303
    said = read_tree(text, "policy").data
    assert said["rate_limits"][0]["requests"] == "3/minute", "of the other"
    mine = {
        "order": [rule["name"] for rule in said["routing_rules"]] == ["no secrets", "two", "one"],
        "sheet": said["rate_limits"][0].get("alert_at") is not None,
        "whole": said["budgets"][0]["amount"] == "50 USD/day",
    }
    assert mine == {each: each == way for each in mine}


async def test_what_both_changed_is_shown_and_nothing_is_lost(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        await apply(office, browser, BEFORE)
        form = fields((await browser.open("/edit/limits?name=every team")).text)
        await apply(office, browser, BEFORE.replace("2/minute", "3/minute"))
        answer = await browser.send_form("/sheet/limits", **{**form, "requests": "9/minute", "do": "review"})

    assert answer.status_code == 412
    assert "What both changed" in answer.text
    assert all(amount in answer.text for amount in ("2/minute", "3/minute", "9/minute"))
    assert "/apply" not in answer.text


async def test_where_nobody_knows_what_was_seen_it_is_the_writers_to_decide(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        form = fields((await browser.open("/edit/limits?name=every team")).text)
        monkeypatch.setattr(type(office.policies), "source", "file")
        office.engine = Engine(Host.parse(POLICY.replace("2/minute", "3/minute")), office.engine.ledger)
        answer = await browser.send_form("/sheet/limits", **{**form, "alert_at": "80%", "do": "review"})
        text = html.unescape(re.findall(r"<textarea[^>]*>(.*?)</textarea>", answer.text, re.S)[0])
        names = {name: hidden(answer.text, name) for name in ("base", "section", "name")}
        again = await browser.send_form("/review", **names, text=text, do="review")

    assert answer.status_code == 412
    assert "--- a/" not in answer.text, "no patch yet"
    assert "2/minute" in text
    assert again.status_code == 200
    assert "3/minute" in again.text, "what it would take back is shown"
