"""The pages about recorded traffic in a real Chromium: what a change would have done, a statement, an invoice."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from governance.traffic import TraceLine
from governance.traffic.files import files_in
from governance.traffic.reading import by_arrival
from tests.e2e.browser import NARROW, WIDE, Looked, chromium, log_in, tab
from tests.e2e.conftest import MASTER_KEY, Proxy
from tests.e2e.test_pages import CI, HOSTILE, VIEWER, key
from tests.patience import turns

POLICY = """version: 1
policy: {{source: database}}
store: {{url: "sqlite:///{folder}/governance.db"}}
telemetry: {{trace: {{to: {folder}/trace}}}}
routing_profiles:
  - name: Fast
    virtual_provider: fast
    targets:
      - {{provider: cerebras, priority: 1}}
rate_limits:
  - {{name: every team, subject: {{team: "*"}}, requests: 60/minute}}
"""
EVIL = key(user_id=HOSTILE, key_alias=HOSTILE, team_id=HOSTILE, team_alias=HOSTILE)
LOOKS = [("light", WIDE), ("light", NARROW), ("dark", WIDE), ("dark", NARROW)]
SENT = 12


@pytest.fixture(scope="module")
def running(start: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy that has recorded some requests, half of them of somebody with a hostile name."""
    folder = tmp_path_factory.mktemp("store")
    with start(POLICY.format(folder=folder)) as proxy:
        for number in range(SENT):
            answer = proxy.chat("fast/glm-4.7", key=(CI, EVIL)[number % 2], max_tokens=12)
            assert answer.status_code == 200, answer.text
        for _ in turns(proxy.pid, folder):
            if len(_recorded(folder / "trace")) == SENT and _spent(proxy) == SENT:
                break
        yield proxy


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def _recorded(folder: Path) -> list[TraceLine]:
    return [line for line in by_arrival(files_in(folder)) if isinstance(line, TraceLine)]


def _spent(proxy: Proxy) -> int:
    requests: int = proxy.client.get("/governance/api/spend?last=1d").json()["total"]["requests"]
    return requests


def looked_at(looked: Looked) -> dict[str, list[str]]:
    """What is wrong with the page that is shown."""
    found = looked.axe()
    wide = looked.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found += [f"wider than the window by {wide}"] if wide > 0 else []
    return {looked.page.url: found} if found else {}


def reviewed(looked: Looked, amount: str) -> Page:
    """The review of a tighter limit."""
    page = looked.open("/edit/limits?name=every team&as=yaml")
    text = page.locator("textarea").input_value()
    assert "60/minute" in text
    page.fill("textarea", text.replace("60/minute", amount))
    page.click("button:has-text('Review')")
    return page


@pytest.mark.parametrize(("scheme", "size"), LOOKS, ids=lambda each: str(each))
def test_a_review_tells_what_it_would_have_done_and_a_page_has_all_of_it(
    browser: Browser, running: Proxy, scheme: Any, size: tuple[int, int]
) -> None:
    with tab(browser, running.url, size, color_scheme=scheme) as looked:
        log_in(looked, MASTER_KEY)
        page = reviewed(looked, f"{1 + LOOKS.index((scheme, size))}/7h")
        looking = page.locator("#looking")
        expect(looking).to_contain_text(f"coverage 100% of {SENT} requests")
        found = looked_at(looked)
        page.click("text=All of it")
        page.wait_for_url("**/backtests/*")
        expect(page.locator("main")).to_contain_text("By team")
        expect(page.locator("main")).to_contain_text("Requests of which it makes something else")
        expect(page.locator("main")).to_contain_text("by every team")
        found |= looked_at(looked)

        assert found == {}
        assert looked.faults == []


def test_a_viewer_reads_a_backtest_without_scripts(browser: Browser, running: Proxy) -> None:
    with tab(browser, running.url) as admin:
        log_in(admin, MASTER_KEY)
        page = reviewed(admin, "3/day")
        expect(page.locator("#looking")).to_contain_text("coverage")
        page.click("text=All of it")
        page.wait_for_url("**/backtests/*")
        path = page.url.partition("/governance/ui")[2]
    with tab(browser, running.url, java_script_enabled=False) as looked:
        log_in(looked, VIEWER)
        page = looked.open(path)

        expect(page.locator("main")).to_contain_text(re.compile("newly refused", re.IGNORECASE))
        expect(page.locator("main")).to_contain_text("What is taken to be so")
        assert looked.faults == []


@pytest.mark.parametrize(("scheme", "size"), LOOKS, ids=lambda each: str(each))
def test_statements_and_invoices_can_be_used_by_everybody_who_sees_them(
    browser: Browser, running: Proxy, scheme: Any, size: tuple[int, int]
) -> None:
    with tab(browser, running.url, size, color_scheme=scheme) as looked:
        page = log_in(looked, VIEWER)
        found = {}
        looked.open("/spend")
        found |= looked_at(looked)
        page.click("text=Statement of a team")
        page.wait_for_url("**/spend/statement")
        found |= looked_at(looked)
        page.fill("input[name=team]", "Research")
        page.click("button:has-text('Show')")
        expect(page.locator("h1")).to_contain_text(f"Research spent $0.00 in {time.strftime('%Y-%m', time.gmtime())}")
        expect(page.locator("main")).to_contain_text("cerebras/glm-4.7")
        found |= looked_at(looked)
        looked.open("/spend/invoice")
        found |= looked_at(looked)
        page.fill("input[name=provider]", "cerebras")
        page.fill("textarea[name=invoice]", f"model,amount\nglm-4.7,1.50\n{json.dumps(HOSTILE)[:20]},2\n")
        page.click("button:has-text('Compare')")
        expect(page.locator("h1")).to_contain_text("cerebras invoiced $3.50")
        expect(page.locator("main")).to_contain_text("never counted")
        found |= looked_at(looked)

        assert found == {}
        assert looked.faults == []
