"""The pages of a real proxy in a real Chromium: found by axe, by the keyboard, without scripts, with hostile names.

A short form of the matrix runs with every `make test`: each page for each role, once light and wide or dark and
narrow. `make pages` runs all of it (GOVERNANCE_PAGES=full) and makes the pictures of the documentation.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import NARROW, WIDE, chromium, log_in, tab
from tests.e2e.conftest import MASTER_KEY, Proxy, key
from tests.patience import tries

FULL = os.environ.get("GOVERNANCE_PAGES") == "full"
PICTURES = os.environ.get("GOVERNANCE_PICTURES")
HOSTILE = '"><img src=x onerror=alert(1)> \u202eevil {{7*7}} ' + "long" * 30
POLICY = """version: 1
policy: {{source: database}}
store: {{url: "sqlite:///{folder}/governance.db"}}
routing_rules:
  - name: premium tier
    cel_expression: headers["x-tier"] == "premium"
    targets: [{{provider: groq, model: premium}}]
  - name: no secrets
    cel_expression: '"secret" in tags'
    refuse: {{status: 403, message: secrets stay at home}}
routing_profiles:
  # Cerebras first, OpenAI when Cerebras fails or is full.
  - name: Fast Provider Alias
    virtual_provider: fast
    targets:
      - {{provider: cerebras, priority: 1, limits: {{requests: 100/minute}}}}
      - {{provider: openai, priority: 2}}
  - name: Few
    virtual_provider: few
    targets:
      - {{provider: cerebras, priority: 1, limits: {{requests: 2/hour, tokens: 100k/day}}}}
      - {{provider: openai, priority: 2}}
task_routing: {{overrides: {{code: openai/gpt-4o}}}}
keys:
  - {{name: app, sha256: 16d1fad059d308a6708dec6adfa8a47ae65f472a0d0ef1db0cb3ed4e0f55a892, models: [fast/*]}}
rate_limits:
  - name: every team
    subject: {{team: "*"}}
    requests: [5/hour, 1000/day]
    tokens: 2M/minute
    concurrent: 50
  - name: what per-user limits would do
    subject: {{user: "*"}}
    requests: 3/minute
    mode: shadow
budgets:
  - name: every team monthly
    subject: {{team: "*"}}
    amount: 1 USD/month
    timezone: Europe/Berlin
    unpriced: {{assume: {{input: 3000 USD/1M, output: 6000 USD/1M}}}}
"""
CI = key(user_id="ci", key_alias="ci", team_id="research", team_alias="Research")
GINA = key(user_id="gina", key_alias="gina", team_id="growth", team_alias="Growth")
EVIL = key(user_id=HOSTILE, key_alias=HOSTILE, team_id=HOSTILE, team_alias=HOSTILE)
# Of viewers that are not in its database, LiteLLM asks for routes that they may call.
VIEWER = key(user_id="vera", user_role="proxy_admin_viewer", allowed_routes=["/governance/*"])
KEYS = {"admin": MASTER_KEY, "viewer": VIEWER, "holder": CI}

SEEN = ["/overview", "/decisions", "/decisions?outcome=refuse", "/decisions/{refused}", "/decisions/{failed_over}"]
SEEN += ["/decisions/{hostile}", "/edge", "/edge?subject=team:research", "/models", "/profiles", "/rules", "/limits"]
SEEN += ["/tasks", "/tasks?takes=image", "/keys", "/switches"]
SEEN += ["/history", "/history/1", "/history/audit?verify=true", "/mine"]
CHANGED = ["/simulate", "/simulate?like={refused}", "/edit", "/edit/limits?name=every team", "/edit/budgets"]
CHANGED += ["/edit/profiles?name=Few", "/edit/rules?name=premium tier", "/edit/rules?name=premium tier&as=yaml"]
CHANGED += [
    "/edit/rules",
    "/rules/order",
    "/keys?rotate=app",
    "/switches?kind=increase&limit=every team",
    "/tasks?edit=eco",
]
PAGES = {"admin": [*SEEN, *CHANGED, "/edit/none"], "viewer": SEEN, "holder": ["/mine", "/overview"]}
PICTURED = {
    "/overview": "overview",
    "/decisions/{refused}": "why",
    "/edge?subject=team:research": "edge",
    "/review": "review",
    "/edit/profiles?name=Few": "profile",
    "/tasks": "tasks",
    "/switches?kind=increase&limit=every team": "switches",
}
REFUSED_BY_ROLE = {"/edit/none", "/overview"}


@pytest.fixture(scope="module")
def ids() -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def running(
    start: Any, providers: Any, ids: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    with start(POLICY.format(folder=tmp_path_factory.mktemp("store"))) as proxy:
        for _ in range(3):
            proxy.chat("few/glm-4.7", key=GINA, max_tokens=12)
        proxy.chat("openai/gpt-4o", key=GINA, max_tokens=12)
        providers.fail("cerebras", status=503)
        ids["failed_over"] = _id(proxy.chat("fast/glm-4.7", key=GINA, max_tokens=12))
        providers.heal()
        ids["hostile"] = _id(proxy.chat("fast/glm-4.7", key=EVIL, max_tokens=12, user=HOSTILE))
        for _ in range(6):
            last = proxy.chat("fast/glm-4.7", key=CI, max_tokens=12)
        ids["refused"] = _id(last)
        ids["told"] = last.json()["error"]["message"]
        assert last.status_code == 429, last.text
        for each in ("failed_over", "hostile", "refused"):
            proxy.decision(ids[each])
        yield proxy


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def _id(answer: Any) -> str:
    found: str = answer.headers["x-governance-decision-id"]
    return found


LOOKS = list(product(("light", "dark"), (WIDE, NARROW))) if FULL else [("light", WIDE), ("dark", NARROW)]


@pytest.mark.parametrize(("scheme", "size"), LOOKS, ids=lambda each: str(each))
@pytest.mark.parametrize("role", PAGES)
def test_every_page_can_be_used_by_everybody_and_asks_nobody_else(
    browser: Browser, running: Proxy, ids: dict[str, str], role: str, scheme: Any, size: tuple[int, int]
) -> None:
    with tab(browser, running.url, size, color_scheme=scheme) as looked:
        found = {"/login": looked.axe()} if looked.open("/login") else {}
        log_in(looked, KEYS[role])
        pages = PAGES[role] if FULL or size == WIDE else PAGES[role][::2]
        for path in pages:
            page = looked.open(path.format(**ids))
            found[path] = looked.axe()
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 0:
                found[path] += [f"wider than the window by {wide}"]
            if path in REFUSED_BY_ROLE:
                looked.faults[:] = [each for each in looked.faults if "40" not in each]
            picture(looked.page, path, role, scheme, size)

        assert {path: faults for path, faults in found.items() if faults} == {}
        assert looked.faults == []


def test_from_login_to_why_ci_was_refused_takes_three_clicks(
    browser: Browser, running: Proxy, ids: dict[str, str]
) -> None:
    with tab(browser, running.url) as looked:
        page = log_in(looked, VIEWER)  # the first click
        page.click("nav >> text=Decisions")
        page.click("text=Team Research has used 5 of 5 requests an hour")

        assert page.url.endswith(ids["refused"])
        expect(page.locator("h1")).to_contain_text("Refused. Team Research has used 5 of 5 requests an hour")
        expect(page.locator("main")).to_contain_text("governance.yaml:")


def test_the_keyboard_is_enough(browser: Browser, running: Proxy, ids: dict[str, str]) -> None:
    with tab(browser, running.url) as looked:
        page = looked.open("/login")
        page.keyboard.type(MASTER_KEY)  # the field has the focus
        page.keyboard.press("Enter")
        page.wait_for_url("**/overview")
        page.keyboard.press("/")
        page.keyboard.insert_text(f"429 {ids['told']}")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/decisions\?text="))
        expect(page.locator("main")).to_contain_text("Team Research has used")
        page.locator("td a").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/decisions/*-*")
        page.get_by_text("Try again with…").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/simulate?like=*")
        expect(page.locator("input[name=team_id]")).to_have_value("research")
        page.locator("input[name=team_id]").fill("other")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text("was chosen for")
        page.keyboard.press("?")
        expect(page.locator("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("e")
        page.wait_for_url("**/edge")
        assert looked.faults == []


def test_without_scripts_everything_can_be_read_and_changed(browser: Browser, running: Proxy) -> None:
    with tab(browser, running.url, java_script_enabled=False) as looked:
        page = log_in(looked, MASTER_KEY)
        page.click("nav >> text=Limits")
        page.click("text=New budget")
        page.fill("[name=name]", "growth daily")
        page.fill("[name='subject.0.name']", "growth")
        page.fill("[name=amount]", "50 USD a day")
        page.select_option("[name=unpriced]", "allow")
        page.click("button.first")
        expect(page.locator("label:has([name=amount])")).to_contain_text("must be money per period")
        page.fill("[name=amount]", "50 USD/day")
        page.click("button.first")
        expect(page.locator("main")).to_contain_text("budgets[growth daily]")
        page.fill("input[name=comment]", "growth has its own now")
        page.click("text=Put it in force")
        expect(page.locator("h1")).to_contain_text("is in force")
        page.click("nav >> text=History")
        expect(page.locator("main")).to_contain_text("growth has its own now")


def test_two_tabs_that_change_the_same_lose_nothing(browser: Browser, running: Proxy) -> None:
    def reviewed(looked: Any, amount: str) -> Any:
        page = looked.open("/edit/profiles?name=Few&as=yaml")
        text = page.locator("textarea").input_value()
        page.fill("textarea", text.replace("2/hour", amount))
        page.click("button:has-text('Review')")
        return page

    with tab(browser, running.url) as one, tab(browser, running.url) as other:
        log_in(one, MASTER_KEY)
        log_in(other, MASTER_KEY)
        first, second = reviewed(one, "3/hour"), reviewed(other, "4/hour")
        picture(first, "/review")
        first.click("text=Put it in force")
        expect(first.locator("#progress")).to_contain_text("1 of 1 worker decides by it")
        second.click("text=Put it in force")

        expect(second.locator("h1")).to_contain_text("meanwhile")
        expect(second.locator("textarea")).to_have_value(re.compile("4/hour"))
        assert "3/hour" in second.inner_text("main")
        assert [each for each in one.faults if "412" not in each] == []


def test_a_cut_is_told_and_survived(browser: Browser, running: Proxy) -> None:
    with tab(browser, running.url) as looked:
        page = log_in(looked, VIEWER)
        expect(page.locator("#lost")).to_be_hidden()
        page.context.set_offline(True)
        expect(page.locator("#lost")).to_be_visible()
        page.context.set_offline(False)
        expect(page.locator("#lost")).to_be_hidden()
        before = page.inner_text("h1")
        running.chat("openai/gpt-4o", key=GINA)
        expect(page.locator("h1")).not_to_have_text(before)


def test_a_session_lasts_as_long_as_its_key_and_no_script_reads_it(browser: Browser, running: Proxy) -> None:
    with tab(browser, running.url) as looked:
        page = log_in(looked, CI)
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert page.evaluate("document.cookie") == ""
        page.click("text=Log out")
        page.wait_for_url("**/login")
        for _ in tries(3):
            assert "/login" in looked.open("/mine").url


def picture(page: Any, path: str, role: str = "admin", scheme: str = "light", size: tuple[int, int] = WIDE) -> None:
    """For docs/pages.md, where that is asked for."""
    name = PICTURED.get(path)
    if PICTURES and name and (role, scheme, size) == ("admin", "light", WIDE):
        folder = Path(PICTURES)
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png")
