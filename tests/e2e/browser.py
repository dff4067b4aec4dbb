"""A real Chromium that looks at the pages of a real proxy, and notes what no page may do."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.patience import ANSWER_S

AXE = (Path(__file__).parent / "vendored" / "axe.min.js").read_text("utf-8")
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDE, NARROW = (1280, 800), (390, 844)
UI = "/governance/ui"


@dataclass
class Looked:
    """A tab, and what it did besides showing pages: each has to stay empty."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.url}{UI}{path}", wait_until="load")
        return self.page

    def axe(self) -> list[str]:
        """What axe finds, each with the first place."""
        # Beside the page's own scripts and their rules: what a test puts there is no part of it.
        session = self.page.context.new_cdp_session(self.page)
        world = session.send("Page.createIsolatedWorld", {"frameId": _frame(session), "worldName": "axe"})
        at = {"contextId": world["executionContextId"], "awaitPromise": True, "returnByValue": True}
        found = session.send("Runtime.evaluate", {"expression": f"{AXE};axe.run()", **at})
        session.detach()
        violations = found["result"]["value"]["violations"]
        return [f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:200]}" for each in violations]


def _frame(session: Any) -> str:
    frame: str = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    return frame


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The one of this machine."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    assert path, f"none of {', '.join(_NAMES)} is on PATH; `sh tests/provide.sh` installs one"
    with sync_playwright() as playwright:
        # As root, as in containers, it has no sandbox of its own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def patient_context(browser: Browser, size: tuple[int, int] = WIDE, **options: Any) -> BrowserContext:
    """One in which only what hangs is given up."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
    context.set_default_timeout(ANSWER_S * 1000)
    expect.set_options(timeout=ANSWER_S * 1000)
    return context


@contextlib.contextmanager
def tab(browser: Browser, url: str, size: tuple[int, int] = WIDE, **options: Any) -> Iterator[Looked]:
    """A new one, that knows nothing of others."""
    context = patient_context(browser, size, **options)
    looked = Looked(context.new_page(), url)
    looked.page.on("console", lambda told: told.type in ("error", "warning") and looked.faults.append(told.text))
    looked.page.on("pageerror", lambda error: looked.faults.append(str(error)))
    looked.page.on(
        "request", lambda asked: asked.url.startswith((url, "data:")) or looked.faults.append(f"asked {asked.url}")
    )
    try:
        yield looked
    finally:
        context.close()


def log_in(looked: Looked, key: str) -> Page:
    """By the form, as everybody."""
    page = looked.open("/login")
    page.fill("input[name=key]", key)
    page.click("button:has-text('Log in')")
    page.wait_for_url(lambda to: "/login" not in to)
    return page
