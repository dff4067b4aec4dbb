"""Every block of docs/recipes with the clients themselves, against a real proxy over the fake providers."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.docs.pages import ROOT
from tests.e2e.clients.environment import npm_packages, python_packages
from tests.e2e.conftest import Providers
from tests.e2e.forked import Original
from tests.e2e.gateway_of_pages import GATEWAY, GatewayOfPages

RECIPES = "docs/recipes/index.md"
PAGES = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs" / "recipes").glob("*.md"))


@pytest.fixture(scope="module")
def gateway(
    providers: Providers, imported: Original, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayOfPages]:
    with GatewayOfPages(tmp_path_factory.mktemp("clients"), providers, imported) as gateway:
        gateway.take(GATEWAY)
        gateway.take(RECIPES)
        yield gateway


@pytest.mark.parametrize("page", [page for page in PAGES if page != RECIPES])
def test_a_client_does_what_its_page_says(gateway: GatewayOfPages, page: str) -> None:
    walk, node_modules = gateway.walk, npm_packages()
    python = walk.folder / "bin" / "python3"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={python_packages(page)} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    here = walk.folder / "node_modules"
    if not here.exists():
        here.symlink_to(node_modules)
        home = walk.folder / "home"
        home.mkdir()
        walk.run(
            f'export PATH="{node_modules}/.bin:$PATH" HOME="{home}"\nexport CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1'
        )

    gateway.take(page)
