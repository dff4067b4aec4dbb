"""Reviews show what a change would have done to recorded traffic, and a page has all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from governance.traffic import encoded
from tests.backtest.workload import NOON_US, arrivals, recorded
from tests.pages.conftest import POLICY, Office, utc_now
from tests.pages.test_pages import _hidden
from tests.patience import happens

LESS = POLICY.replace("2/minute", "1/minute")


@pytest.fixture
async def traffic(office: Office, tmp_path: Path) -> AsyncIterator[Path]:
    """What the proxy recorded in the last minutes."""
    folder = tmp_path / "state" / "trace"
    folder.mkdir(parents=True)
    lines = recorded(office.engine.stated.policy, arrivals(30, teams=2, seconds=60.0))
    later_us = int(utc_now().timestamp() - 120) * 1_000_000 - NOON_US
    moved = [encoded(type(line)(**{**_fields(line), "at_us": line.at_us + later_us})) for line in lines]
    hour = utc_now().strftime("%Y-%m-%dT%H")
    (folder / f"{hour}.w1.jsonl").write_bytes(b"".join(line + b"\n" for line in moved))
    yield folder
    await office.backtesting.close()


def _fields(line: object) -> dict[str, object]:
    return {name: getattr(line, name) for name in type(line).__dataclass_fields__}  # type: ignore[attr-defined]


async def test_a_review_looks_at_recorded_traffic_and_its_figures_come_as_they_are_computed(
    office: Office, traffic: Path
) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        review = await browser.send_form("/review", text=LESS)
        id = review.text.partition("/governance/ui/backtests/")[2].partition("/")[0]
        assert await happens(office.backtesting.ended(id, 3_600.0))
        figures = await browser.open(f"/backtests/{id}/figures")
        again = await browser.send_form("/review", text=LESS)
        browser.headers["hx-request"] = "true"
        still = await browser.open(f"/backtests/{id}/figures?seen=end")
        page = await browser.open(f"/backtests/{id}")
        unknown = await browser.open("/backtests/none")

    assert f'hx-get="/governance/ui/backtests/{id}/figures"' in review.text
    assert 'value="end"' in figures.text
    assert "coverage 100% of 30 requests" in figures.text
    assert "Refused" in figures.text
    assert "coverage 100% of 30 requests" in again.text, "it is not computed twice"
    assert "hx-get" not in again.text.partition('id="looking"')[2].partition(">")[0]
    assert (still.status_code, still.text) == (204, "")
    assert "By team" in page.text
    assert "newly refused" in page.text
    assert "windows are empty at the first arrival" in page.text
    assert unknown.status_code == 404


async def test_viewers_read_a_backtest_and_holders_do_not(office: Office, traffic: Path) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        review = await browser.send_form("/review", text=LESS)
    id = review.text.partition("/governance/ui/backtests/")[2].partition("/")[0]
    found = {}
    for key in ("sk-viewer", "sk-ci"):
        async with office.browser() as other:
            await other.log_in(key)
            found[key] = (await other.open(f"/backtests/{id}")).status_code

    assert found == {"sk-viewer": 200, "sk-ci": 403}


async def test_without_recorded_traffic_a_review_says_so(office: Office) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        review = await browser.send_form("/review", text=LESS)

    assert "No traffic is recorded on this machine" in review.text
    assert _hidden(review.text, "policy") == LESS
