"""How soon a browser shows a page of 10,000 limits and 50,000 windows.

    python -m tests.bench.pages

Pages of one worker with a real Redis, in a real Chromium; the worker stands alone, without LiteLLM around it. `paint`:
until something is seen (first contentful paint, with the style already there, as on every page after the first).
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.async_api import Page, async_playwright

from governance.ledger.link import Wire
from governance.ledger.redis import RedisLedger, prefix
from governance.pages import pages_router
from governance.proxy.policies import open_policies
from governance.usecases.survey import survey
from tests.bench.usage import WINDOWS, fill, windows
from tests.ledger.conftest import At
from tests.ledger.servers import running
from tests.pages.conftest import UI, Office

LIMITS = 10_000
_TIMES = 5
_PAGES = ("/edge", "/edge?subject=user:u97", "/edge?limit=every user", "/limits", "/limits?page=100", "/overview")
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
_SENT = "performance.getEntriesByType('navigation')[0].transferSize"


def policy() -> str:
    """10,000 limits."""
    entries = "".join(f"- {{name: l{i}, subject: {{team: t{i}}}, requests: {i + 1}/day}}\n" for i in range(LIMITS - 2))
    own = "- {name: a minute, subject: {user: '*'}, requests: 100/minute, tokens: 100/minute}\n"
    own += "- {name: slots, subject: {user: '*'}, concurrent: 10}\n"
    return f"version: 1\nrate_limits:\n{own}{entries}"


async def look(page: Page, url: str, path: str) -> tuple[float, float, int]:
    """Milliseconds until the answer is whole and until it is painted, and its bytes."""
    began = time.perf_counter()
    await page.goto(f"{url}{UI}{path}", wait_until="load")
    loaded_ms = (time.perf_counter() - began) * 1000
    paint_ms = await page.evaluate(_PAINT)
    while paint_ms < 0:
        await asyncio.sleep(0.01)
        paint_ms = await page.evaluate(_PAINT)
    return loaded_ms, paint_ms, await page.evaluate(_SENT)


async def main() -> None:
    """All pages, each several times."""
    with tempfile.TemporaryDirectory() as folder, running() as server, socket.create_server(("127.0.0.1", 0)) as door:
        file = Path(folder) / "governance.yaml"
        await asyncio.to_thread(file.write_text, policy())
        policies = open_policies(file)
        office = Office(policies.begin().policy.text)
        office.policies = policies
        ledger: Any = RedisLedger(Wire(At(server.port), prefix("bench"), timeout_s=30), "bench")
        office.engine.ledger = ledger
        await fill(ledger, windows())
        await survey(office.engine, pause_s=0)
        app = FastAPI()
        app.include_router(pages_router(office, office.identify))  # type: ignore[arg-type]
        serving = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        task = asyncio.create_task(serving.serve([door]))
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = await browser.new_page()
            await page.goto(f"{url}{UI}/login")
            await page.fill("input[name=key]", "sk-viewer")
            await page.click("button:has-text('Log in')")
            print(f"{LIMITS:,} limits, {WINDOWS:,} windows; median of {_TIMES}")
            for each in _PAGES:
                seen = [await look(page, url, each) for _ in range(_TIMES)]
                loaded, painted, sent = (median(values) for values in zip(*seen, strict=True))
                print(f"{each:<26} loaded {loaded:6.0f} ms   paint {painted:6.0f} ms   sent {sent / 1000:6.1f} kB")
            await browser.close()
        serving.should_exit = True
        await task
        await ledger.close()
        await policies.close()
        office.telemetry.troubles.stop()


if __name__ == "__main__":
    asyncio.run(main())
