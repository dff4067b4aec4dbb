"""Rules in another order: by their places in the list, or by their priorities."""

from __future__ import annotations

import html
import re

import pytest

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.usecases.entries import NoSuchEntry
from governance.usecases.rules_order import asked_order, moved_rule
from tests.pages.conftest import Office

POLICY = """version: 1
routing_rules:
- {name: late, priority: 5, model: a/b}
# the first
- {name: one, model: a/b}
- {name: of research, scope: team, scope_id: research, model: a/b}
- {name: two, model: a/b}  # the second
"""


def names(policy: str) -> list[list[str]]:
    return [[rule.name for rule in of.rules] for of in asked_order(policy)]


def test_rules_change_places_or_priorities_and_comments_go_with_them() -> None:
    assert names(POLICY) == [["of research"], ["one", "two", "late"]]
    swapped = moved_rule(POLICY, "two", -1)
    later = moved_rule(POLICY, "two", 1)

    assert names(swapped) == [["of research"], ["two", "one", "late"]]
    assert swapped.index("# the first") == swapped.index("- {name: one") - len("# the first\n")
    assert names(later) == [["of research"], ["one", "late", "two"]]
    assert "name: two, model: a/b, priority: 5" in later
    assert moved_rule(POLICY, "one", -1) == POLICY
    with pytest.raises(NoSuchEntry):
        moved_rule(POLICY, "three", 1)


async def test_the_order_is_changed_for_review(office: Office) -> None:
    office.engine = Engine(Host.parse(POLICY), office.engine.ledger)
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        page = (await browser.open("/rules/order")).text
        moved = await browser.send_form("/rules/order", text=_hidden(page, "text"), do="up two")
        wrong = await browser.send_form("/rules/order", text=_hidden(page, "text"), do="up three")
        review = await browser.send_form("/review", text=_hidden(moved.text, "text"), do="review")

    assert 'aria-label="Ask one earlier" disabled' in page
    assert moved.text.index("Ask two earlier") < moved.text.index("Ask one earlier")
    assert wrong.status_code == 422
    assert "routing_rules" in review.text


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    assert found
    return html.unescape(found[1])
