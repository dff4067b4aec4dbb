"""The site holds every page, as it was meant, without a warning; and it needs nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, expect
from selectolax.lexbor import LexborHTMLParser

from tests.docs.pages import ROOT, text_of
from tests.e2e.browser import chromium, patient_context
from tests.site.building import CONFIGURATION, build

PAGES = {
    "README.md": "index",
    "plugins/README.md": "plugins",
    **{str(page.relative_to(ROOT)): str(page.relative_to(ROOT / "docs"))[:-3] for page in ROOT.glob("docs/**/*.md")},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("site")
    done = build(into)
    assert done.returncode == 0, done.stdout + done.stderr
    return into


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_a_page_has_on_the_site_what_it_has_elsewhere(site: Path) -> None:
    """mkdocs has a Markdown of its own: a list without a blank line before it, say, is none to it."""
    differ = {}
    for page, name in PAGES.items():
        shown = parts(LexborHTMLParser((site / f"{name}.html").read_text("utf-8")).css_first("article"))
        meant = parts(LexborHTMLParser(MarkdownIt("commonmark").enable("table").render(text_of(page))))
        if shown != meant:
            differ[page] = {"only here": shown - meant, "only elsewhere": meant - shown}

    assert differ == {}


def parts(page: Any) -> Counter[str]:
    """How often each kind of part is there, and each piece of code."""
    kinds = ("li", "table", "tr", "pre", "h1", "h2", "h3", "h4", "img", "strong", "em", "blockquote")
    found = Counter({kind: len(page.css(kind)) for kind in kinds})
    return found + Counter(" ".join(code.text().split()) for code in page.css("code") if code.parent.tag != "pre")


def test_every_page_is_led_to_from_every_page(site: Path) -> None:
    led = {
        link.attributes.get("href") for link in LexborHTMLParser((site / "404.html").read_text("utf-8")).css("nav a")
    }

    assert {f"/{name}.html" for name in PAGES.values()} - led == set()


def small(folder: Path, text: str) -> Path:
    """A site of two pages, made as ours is; gives its configuration."""
    made = folder / "docs" / "site"
    shutil.copytree(CONFIGURATION.parent, made)
    (folder / "plugins").mkdir()
    (folder / "README.md").write_text("# Here\n\n[There](docs/there.md#a-b)\n")
    (folder / "plugins" / "README.md").write_text("# Plugins\n\nNone.\n")
    (folder / "docs" / "there.md").write_text(f"# There\n\n## A `b`\n\n{text}\n")
    configuration = (made / "mkdocs.yml").read_text()
    nav = "nav: [index.md, plugins.md, there.md]\n"
    (made / "mkdocs.yml").write_text(configuration.partition("nav:\n  -")[0] + nav)
    return made / "mkdocs.yml"


def test_a_small_site_is_built(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 1\n")
    done = build(tmp_path / "out", small(tmp_path, "[a file](../policy.yaml), [a folder](../plugins)"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "version" in (tmp_path / "out" / "files" / "policy.yaml.html").read_text()
    assert 'href="../plugins.html"' in (tmp_path / "out" / "files" / "plugins.html").read_text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[gone](gone.md)", "gone.md"),
        ("[gone](../gone.yaml)", "gone.yaml"),
        ("[gone](#gone)", "#gone"),
        ("[gone](../README.md#gone)", "#gone"),
    ],
)
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path, text: str, told: str) -> None:
    done = build(tmp_path / "out", small(tmp_path, text))

    assert done.returncode != 0
    assert told in done.stderr


def test_a_page_that_nothing_leads_to_fails_the_build(tmp_path: Path) -> None:
    configuration = small(tmp_path, "")
    (tmp_path / "docs" / "alone.md").write_text("# Alone\n")
    done = build(tmp_path / "out", configuration)

    assert done.returncode != 0
    assert "alone.md" in done.stderr


@pytest.mark.parametrize(("preferred", "scheme"), [("light", "default"), ("dark", "slate")])
def test_from_a_folder_it_is_searched_and_asks_nobody_for_anything(
    site: Path, browser: Browser, preferred: Literal["light", "dark"], scheme: str
) -> None:
    asked, faults = [], []
    page = patient_context(browser, color_scheme=preferred).new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto((site / "concepts.html").as_uri())
    page.get_by_role("textbox", name="Search").click()
    page.keyboard.type("reservation deadline", delay=20)

    expect(page.locator(".md-search-result__item").first).to_contain_text(re.compile("reservation", re.IGNORECASE))
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", scheme)
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
    assert faults == []
