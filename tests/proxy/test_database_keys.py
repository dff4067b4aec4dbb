"""Who answers for a key where LiteLLM has a database, and where it would let in everybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from litellm.proxy import proxy_server
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.auth import user_api_key_auth as auth
from starlette.requests import Request

from governance.proxy.database_keys import beside_database
from governance.proxy.keyholder import Keyholder

Ask = Callable[[str], Awaitable[str]]
OURS, THEIRS = "sk-of-the-policy", "sk-of-the-database"


async def custom_auth(request: Request, key: str | None) -> UserAPIKeyAuth:
    if key != OURS:
        raise PermissionError("this key is not known here")
    return Keyholder(api_key="0" * 64)


async def by_litellm(request: Request, **sent: Any) -> UserAPIKeyAuth:
    """As LiteLLM does: custom auth is asked alone, and without a master key nobody is asked for one."""
    key = sent["api_key"].removeprefix("Bearer ")
    if proxy_server.user_custom_auth is not None:
        found: UserAPIKeyAuth = await proxy_server.user_custom_auth(request, key)
        return found
    if proxy_server.master_key is None or key == THEIRS:
        return UserAPIKeyAuth(api_key=key)
    raise PermissionError("LiteLLM does not know this key")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[UserAPIKeyAuth]:
    """Whom LiteLLM has checked by its own rules."""
    seen: list[UserAPIKeyAuth] = []

    async def check(user_api_key_auth_obj: UserAPIKeyAuth) -> None:
        seen.append(user_api_key_auth_obj)

    monkeypatch.setattr(auth, "run_centralized_common_checks", check)
    return seen


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, checked: list[UserAPIKeyAuth]) -> Ask:
    """Who a key turns out to be."""
    monkeypatch.setattr(auth, "user_api_key_auth_builder", by_litellm)
    monkeypatch.setattr(proxy_server, "user_custom_auth", custom_auth)
    monkeypatch.setattr(proxy_server, "prisma_client", object())
    monkeypatch.setattr(proxy_server, "master_key", "sk-master")
    monkeypatch.setattr(proxy_server, "general_settings", {})
    beside_database(custom_auth, lambda key: key == OURS)

    async def who(key: str) -> str:
        scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": [], "query_string": b""}
        sent = dict.fromkeys(("azure_api_key_header", "anthropic_api_key_header", "azure_apim_header"))
        sent |= dict.fromkeys(("google_ai_studio_api_key_header", "custom_litellm_key_header"))
        try:
            found = await auth.user_api_key_auth_builder(Request(scope), api_key=f"Bearer {key}", **sent)
        except PermissionError as error:
            return str(error)
        await auth.run_centralized_common_checks(found)
        return type(found).__name__

    return who


async def test_each_key_is_answered_for_by_whoever_holds_it(ask: Ask, checked: list[UserAPIKeyAuth]) -> None:
    assert await ask(OURS) == "Keyholder"
    assert not checked, "LiteLLM knows no user, team or budget of it"
    assert await ask(THEIRS) == "UserAPIKeyAuth"
    assert len(checked) == 1
    assert await ask("sk-of-nobody") == "LiteLLM does not know this key"


async def test_litellms_own_checks_are_made_of_all_where_they_are_asked_for(
    ask: Ask, checked: list[UserAPIKeyAuth], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_server, "general_settings", {"custom_auth_run_common_checks": True})
    await ask(OURS)

    assert len(checked) == 1


@pytest.mark.parametrize("lacks", ["master_key", "prisma_client"])
async def test_custom_auth_stays_where_litellm_would_let_in_everybody_or_has_no_database(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    monkeypatch.setattr(proxy_server, lacks, None)

    assert await ask(OURS) == "Keyholder"
    assert await ask(THEIRS) == await ask("anything") == "this key is not known here"


async def test_a_master_key_that_goes_away_brings_custom_auth_back(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await ask(THEIRS) == "UserAPIKeyAuth"
    monkeypatch.setattr(proxy_server, "master_key", None)

    assert await ask("anything") == "this key is not known here"


async def test_keys_of_a_policy_let_nobody_in_where_custom_auth_is_not_configured(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_server, "user_custom_auth", None)

    assert await ask(OURS) == "LiteLLM does not know this key"
