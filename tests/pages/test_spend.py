"""Who spent what, as a page tells it: to whom it may, with whatever callers write as text."""

from __future__ import annotations

import time
from typing import Any

from governance.store.spend import Batch
from governance.traffic.spent import Cell, Sums
from governance.usecases.spend_kept import add, utc
from tests.pages.conftest import HOSTILE, TEAMS, UI, Office

QUOTE = '"'


async def spend(office: Office) -> None:
    """Each team has spent; one of them on a model with a name that nobody would trust."""
    now_s = time.time()
    hour_s = int(now_s) // 3600 * 3600
    cells = {
        Cell(hour_s, team, f"id-of-{team}", model=HOSTILE if team == "sales" else "gpt"): Sums(
            2, 0, 10, 5, 0, 1_230_000
        )
        for team in TEAMS.values()
    }

    def put(store: Any) -> None:
        add(store, Batch("w", 1, 0, 4, cells, {("team", "research"): "Research"}), utc(now_s))

    await office.policies.ask(put)


async def test_who_may_look_sees_who_spent_what(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-viewer")
        empty = (await browser.open("/spend")).text
        await spend(office)
        by_team = (await browser.open("/spend?by=team&last=7d")).text
        by_model = (await browser.open("/spend?by=model&last=1d")).text
        wrong = await browser.open("/spend?by=colour")

    assert "Nothing was spent in this time" in empty
    assert "$2.46 for 4 requests" in by_team
    assert "<td>Research</td>" in by_team
    assert by_team.count('<rect class="route"') == 1
    assert "<img src=x" not in by_model
    assert "&lt;img src=x" in by_model
    assert wrong.status_code == 200
    assert "is nothing to sum up by" in wrong.text


async def test_a_holder_sees_its_own_team_and_no_other(office: Office) -> None:
    await spend(office)
    async with office.browser() as browser:
        await browser.log_in("sk-ci")
        refused = await browser.open("/spend")
        mine = (await browser.open("/mine")).text

    assert refused.status_code == 403
    assert "Your team: $1.23 for 2 requests" in mine
    assert "<code>gpt</code> $1.23" in mine
    assert "img src=x" not in mine


async def test_a_team_has_a_statement_of_its_month(office: Office) -> None:
    await spend(office)
    month = time.strftime("%Y-%m", time.gmtime())
    async with office.browser() as browser:
        await browser.log_in("sk-viewer")
        empty = (await browser.open("/spend/statement")).text
        found = (await browser.open(f"/spend/statement?team=Research&month={month}")).text
        sales = (await browser.open(f"/spend/statement?team=sales&month={month}")).text
        nobody = await browser.open("/spend/statement?team=nobody&month=2020-01")
        never = await browser.open("/spend/statement?team=Research&month=never")

    assert "Statement of a team" in empty
    assert '<option value="Research">' in empty
    assert f"Research spent $1.23 in {month}" in found
    assert "Not final" in found
    assert "team=Research&amp;month=" in found
    assert "<img src=x" not in sales
    assert "team `nobody` has asked for nothing in 2020-01" in nobody.text
    assert "`never` is no month such as 2026-11" in never.text


async def test_an_invoice_is_compared_with_what_was_counted(office: Office) -> None:
    await spend(office)
    async with office.browser() as browser:
        await browser.log_in("sk-viewer")
        empty = (await browser.open("/spend/invoice")).text

        async def compared(invoice: str, provider: str = "openai") -> Any:
            data = {"provider": provider, "invoice": invoice}
            return await browser.request(
                "POST", f"{UI}/spend/invoice", headers={"sec-fetch-site": "same-origin"}, data=data
            )

        found = await compared(f'model,amount\n"{HOSTILE.replace(QUOTE, 2 * QUOTE)}",2.00\ngpt,0.23\n')
        wrong = await compared("colour,taste\nred,sweet\n")
        nothing = await compared("")

    assert "as CSV" in empty
    assert found.status_code == 200
    assert "openai invoiced $2.23; $0.00 was counted" in found.text
    assert "$2.23 more was invoiced than counted" in found.text
    assert "never counted" in found.text
    assert "<img src=x" not in found.text
    assert wrong.status_code == 422
    assert "no column is known to be the amount" in wrong.text
    assert nothing.status_code == 422
