"""What is in force beside the policy for a while, set and withdrawn by people."""

from __future__ import annotations

import html
import re

from tests.pages.conftest import UI, Office

MORE = {"kind": "increase", "limit": "every team", "factor": "2", "until": "2h", "reason": "benchmark week"}


async def test_more_room_is_given_until_it_ends_or_is_withdrawn(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        done = await browser.send_form("/switches", **MORE)
        page = (await browser.open("/switches")).text
        withdraw = re.search(rf'action="{UI}(/switches/[^"]+/withdraw)"', page)
        assert withdraw
        await browser.send_form(withdraw[1])
        after = (await browser.open("/switches")).text
        audit = (await browser.open("/history/audit")).text

    assert done.status_code == 303
    assert "every team: 2 times as much" in page
    assert "benchmark week" in page
    assert "Nothing is in force" in after
    assert "overlay_withdrawn" in audit or "overlay withdrawn" in audit


async def test_what_cannot_be_meant_is_said_beside_its_field_and_kept(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        unknown = await browser.send_form("/switches", **{**MORE, "limit": "evry team"})
        endless = await browser.send_form("/switches", **{**MORE, "until": ""})
        few = await browser.send_form("/switches", **{**MORE, "factor": "0.5"})

    assert unknown.status_code == endless.status_code == few.status_code == 422
    assert "did you mean `every team`" in html.unescape(unknown.text)
    assert 'id="wrong-increase-limit"' in unknown.text
    assert 'value="benchmark week"' in unknown.text
    assert 'id="wrong-increase-until"' in endless.text
    assert 'id="wrong-increase-factor"' in few.text


async def test_a_row_near_the_edge_leads_to_more_room_for_it(office: Office) -> None:
    await office.ask("fast/m", team_id="research")
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        edge = html.unescape((await browser.open("/edge")).text)
        link = re.search(r'href="[^"]*(/switches\?[^"#]+)', edge)
        assert link
        form = (await browser.open(link[1])).text

    assert 'name="limit" value="every team"' in form
    assert '<option value="requests" selected>' in form


async def test_a_frozen_policy_is_changed_by_nobody(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        await browser.send_form("/switches", kind="freeze", until="1h", reason="black friday")
        answer = await browser.send_form("/apply", base="x", policy="version: 1", comment="")

    assert answer.status_code == 423
    assert "black friday" in answer.text
