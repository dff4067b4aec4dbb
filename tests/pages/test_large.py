"""10,000 limits and 50,000 windows: what a page reads and sends is what it shows. On a real Redis."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from governance.ledger.link import Wire
from governance.ledger.listing import Listing, Ranked, id_of
from governance.ledger.redis import RedisLedger, prefix
from governance.model import Charge, Window
from governance.proxy.policies import open_policies
from tests.ledger.conftest import At
from tests.ledger.servers import running
from tests.pages.conftest import Office

LIMITS = 10_000
RULES = 3_000
PROFILES = 300
WINDOWS = 50_000
# Of one page, with its head and foot.
MOST_BYTES = 120_000
pytestmark = pytest.mark.asyncio(loop_scope="module")
ROW = re.compile(r"<tr[ >]")
ORDERED = re.compile(r'aria-label="Ask (\S+) earlier"')


class Watched(RedisLedger):
    """Counts the windows that are asked for."""

    windows_read = 0

    async def read(self, windows: Sequence[Window]) -> Any:
        self.windows_read += len(windows)
        return await super().read(windows)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("large") / "governance.yaml"
    entries = (f"- {{name: l{i}, subject: {{team: t{i}}}, requests: {i + 1}/day}}\n" for i in range(LIMITS))
    rules = (f"- {{name: r{i}, scope: team, scope_id: t{i // 30:03}, model: a/m{i}}}\n" for i in range(RULES))
    profiles = (f"- {{name: p{i}, virtual_provider: my-v{i}, targets: [{{provider: a}}]}}\n" for i in range(PROFILES))
    sections = {"rate_limits": entries, "routing_rules": rules, "routing_profiles": profiles}
    file.write_text("version: 1\n" + "".join(f"{key}:\n{''.join(each)}" for key, each in sections.items()))
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def large(file: Path) -> AsyncIterator[Office]:
    policies = open_policies(file)
    with running() as server:
        office = Office(policies.begin().policy.text)
        office.policies = policies
        ledger = Watched(Wire(At(server.port), prefix("large"), timeout_s=30), "large")
        office.engine.ledger = ledger  # type: ignore[assignment]
        made = [
            Window(f"l{i % LIMITS}", f"team:t{i % LIMITS} && user:u{i}", "requests", 100, "day") for i in range(WINDOWS)
        ]
        made[7] = Window("l7", "team:research", "requests", 3, "day")
        for begin in range(0, WINDOWS, 5_000):
            await ledger.announce(made[begin : begin + 5_000])
        await ledger.reserve([Charge(made[7], 3)], (), reservation_id="a", deadline_s=60)
        await ledger.rank([Ranked(id_of(made[7]), -2, 100)], 2, last=True)
        assert (await ledger.listed(Listing())).total == WINDOWS
        yield office
        await ledger.close()
        await policies.close()
        office.telemetry.troubles.stop()


@pytest.mark.parametrize(
    ("key", "path", "rows", "read"),
    [
        ("sk-viewer", "/edge", 50, 50),
        ("sk-viewer", "/edge?limit=l7", 5, 5),
        ("sk-viewer", "/edge?subject=user:u8", 1, 1),
        ("sk-viewer", "/limits", 100, 0),
        ("sk-viewer", "/limits?page=100", 100, 0),
        ("sk-viewer", "/limits?text=l777%20", 11, 0),
        ("sk-viewer", "/rules", 100, 0),
        ("sk-viewer", "/rules?page=30", 100, 0),
        ("sk-viewer", "/profiles", 199, 0),  # of each its targets with a line of headings
        ("sk-ci", "/mine", 1, 1),
    ],
)
async def test_a_page_reads_and_sends_what_it_shows(large: Office, key: str, path: str, rows: int, read: int) -> None:
    ledger: Any = large.engine.ledger
    async with large.browser() as browser:
        await browser.log_in(key)
        before = ledger.windows_read
        page = await browser.open(path)

    assert page.status_code == 200
    assert max(0, len(ROW.findall(page.text)) - 1) == rows, "and a line of headings"
    assert ledger.windows_read - before == read
    assert len(page.content) < MOST_BYTES


async def test_a_rule_is_moved_on_the_page_where_it_is(large: Office) -> None:
    async with large.browser() as browser:
        await browser.log_in("sk-admin")
        order = await browser.open("/rules/order")
        later = await browser.send_form("/rules/order", do="page 2")
        moved = await browser.send_form("/rules/order", do="up r151")

    assert len(ORDERED.findall(order.text)) == 100
    assert len(order.content) < MOST_BYTES
    assert ORDERED.findall(later.text)[0] == "r100"
    assert ORDERED.findall(moved.text)[50:52] == ["r151", "r150"]
    assert len(ORDERED.findall(moved.text)) == 100


async def test_every_page_near_the_edge_leads_to_the_next(large: Office) -> None:
    async with large.browser() as browser:
        await browser.log_in("sk-viewer")
        first = (await browser.open("/edge")).text
        link = re.search(r'rel="next" href="/governance/ui([^"]+)"', first)
        assert link
        second = (await browser.open(link[1].replace("&amp;", "&"))).text

    assert "Team research" in first
    assert "Team research" not in second
    assert len(ROW.findall(second)) == 51
    assert not set(re.findall(r"user u\d+", first)) & set(re.findall(r"user u\d+", second))
