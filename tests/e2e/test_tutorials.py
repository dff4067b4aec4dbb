"""Every block of the tutorials, as a reader would paste it, against a real proxy over the fake providers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg
import pytest

from tests.docs.pages import ROOT, text_of
from tests.e2e.conftest import Providers
from tests.e2e.forked import Original
from tests.e2e.gateway_of_pages import GATEWAY, GatewayOfPages
from tests.e2e.litellm_database.tables import make_tables
from tests.postgres import Postgres

TUTORIALS = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs" / "tutorials").glob("*.md"))


@pytest.fixture
def litellm_database(postgres: Postgres) -> str:
    """The URL of a database as LiteLLM keeps it, with a team and its key."""
    url = postgres.new_database()
    make_tables(url)
    token = hashlib.sha256(b"sk-of-litellms-database").hexdigest()
    with psycopg.connect(url) as connection:
        connection.execute(
            """INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias, max_budget, budget_duration, admins, members)
               VALUES ('t1', 'Research', 100, '30d', '{}', '{}')"""
        )
        connection.execute(
            """INSERT INTO "LiteLLM_VerificationToken" (token, key_alias, team_id, max_budget, budget_duration)
               VALUES (%s, 'ci', 't1', 2.5, '1d')""",
            (token,),
        )
    return url


@pytest.mark.parametrize("page", [page for page in TUTORIALS if page != GATEWAY])
def test_a_tutorial_does_what_it_says(
    page: str, providers: Providers, imported: Original, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with GatewayOfPages(tmp_path, providers, imported) as gateway:
        if "DATABASE_URL" in text_of(page):
            gateway.walk.rewritten[request.getfixturevalue("litellm_database")] = "postgresql://…"
        gateway.take(GATEWAY)
        gateway.take(page)
