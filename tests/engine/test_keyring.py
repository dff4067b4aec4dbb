"""Whose key it is, whether it lets anybody in, and which models it may ask for."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.engine.keyring import DeniedTargets, Keyring, digest_of, may_call, model_refusal
from governance.model import Identity, Refusal, Request, Target, codes
from governance.model.target import member_of
from governance.policy.keys import Key

SECRET = "sk-gov-first-secret-of-the-tests"
OTHER = "sk-gov-other-secret-of-the-tests"
GOOD = Path(__file__).parents[1] / "policy" / "good" / "keys.yaml"
NOON_S = datetime(2026, 11, 21, 12, tzinfo=timezone.utc).timestamp()
EVERYTHING = Catalog(None, {})


def key(**fields: Any) -> Key:
    return Key.model_validate({"name": "ci", "sha256": digest_of(SECRET), **fields})


def admitted(shown: Key, secret: str = SECRET, now_s: float = NOON_S) -> Key:
    found = Keyring([shown]).admit(secret, now_s)
    assert not isinstance(found, Refusal), found.message
    return found


def refused(shown: Key, secret: str = SECRET, now_s: float = NOON_S) -> Refusal:
    found = Keyring([shown]).admit(secret, now_s)
    assert isinstance(found, Refusal)
    return found


def test_a_key_is_found_by_its_digest() -> None:
    ci = key(team="research")

    assert Keyring([ci]).admit(SECRET, NOON_S) is ci
    assert Keyring([ci]).of(digest_of(SECRET)) is ci


@pytest.mark.parametrize("secret", ["", "sk-nobody", SECRET + " ", SECRET.upper(), digest_of(SECRET), "\ud800"])
def test_what_is_no_key_lets_nobody_in(secret: str) -> None:
    refusal = refused(key(), secret)

    assert (refusal.status, refusal.code) == (401, codes.ACCESS_NOT_FOUND)
    assert secret == "" or secret not in refusal.message


def test_an_empty_keyring_knows_nobody() -> None:
    assert isinstance(Keyring([]).admit(SECRET, NOON_S), Refusal)


def test_while_a_key_is_rotated_both_secrets_are_valid() -> None:
    rotated = key(sha256=[{"sha256": digest_of(SECRET), "expires": "2026-11-21T18:00:00Z"}, digest_of(OTHER)])
    evening_s = NOON_S + 6 * 3600

    assert admitted(rotated) is admitted(rotated, OTHER)
    assert rotated.id == digest_of(SECRET), "limits take both for the same key"
    assert "expired on 2026-11-21 at 18:00 UTC" in refused(rotated, now_s=evening_s).message
    assert admitted(rotated, OTHER, evening_s)


@pytest.mark.parametrize(
    ("expires", "last_s"),
    [
        ("2026-11-21", datetime(2026, 11, 22, tzinfo=timezone.utc).timestamp()),
        ("2026-11-21T14:00:00+02:00", NOON_S),
        ("2026-11-21T12:00:00Z", NOON_S),
    ],
)
def test_a_key_is_valid_until_its_moment_and_a_day_lasts_until_midnight_utc(expires: str, last_s: float) -> None:
    dated = key(expires=expires)

    assert admitted(dated, now_s=last_s - 0.001)
    refusal = refused(dated, now_s=last_s)
    assert (refusal.status, refusal.code) == (403, codes.ACCESS_BLOCKED)
    assert "expired" in refusal.message


def test_a_key_that_is_switched_off_lets_nobody_in() -> None:
    refusal = refused(key(enabled=False))

    assert (refusal.status, refusal.code) == (403, codes.ACCESS_BLOCKED)
    assert refusal.message == "key ci is switched off"


@pytest.mark.parametrize(
    ("models", "name", "may"),
    [
        (None, "anything", True),
        (["*"], "any/thing", True),
        ([], "anything", False),
        (["openai/gpt-4o"], "OpenAI/GPT-4o", True),
        (["openai/gpt-4o"], "openai/gpt-4o-mini", False),
        (["openai/gpt-4o"], "gpt-4o", False),
        (["fast/*"], "fast/any/thing", True),
        (["fast/*"], "faster/x", False),
        (["*/glm-*-flash"], "cerebras/glm-4.7-flash", True),
        (["*/glm-*-flash"], "cerebras/glm-flash", False),
        (["regex:^claude-3-.*"], "CLAUDE-3-opus", True),
        (["regex:claude-3"], "claude-3-opus", False),
        (["regex:claude-3.*"], "my-claude-3", False),
        (["regex:.*"], "two\nlines", False),
        (["regex:(gpt|o)-[0-9]"], "o-1", True),
        (["regex:.*"], "x" * 301, False),
    ],
)
def test_a_list_of_models_means_whole_names_in_any_case(models: list[str] | None, name: str, may: bool) -> None:
    assert may_call(key(models=models), name, EVERYTHING) is may


def test_no_name_takes_a_pattern_long() -> None:
    for pattern in ("*a" * 140, "regex:(a|aa)+b", "regex:(a*)*b"):
        assert not may_call(key(models=[pattern]), "a" * 300 + "c", EVERYTHING)


def test_denied_models_win_over_models() -> None:
    limited = key(models=["openai/*"], denied_models=["openai/gpt-4o", "*/o1*"])

    assert may_call(limited, "openai/gpt-4o-mini", EVERYTHING)
    assert not may_call(limited, "openai/gpt-4o", EVERYTHING)
    assert not may_call(limited, "openai/o1-pro", EVERYTHING)


def test_a_denied_model_is_denied_under_every_name_it_is_served_by() -> None:
    served = Catalog(
        [
            {"model_name": "best", "litellm_params": {"model": "openai/gpt-4o"}},
            {"model_name": "openai/*", "litellm_params": {"model": "openai/*"}},
        ],
        {"gpt-4o": {"litellm_provider": "openai"}},
        {"alias": "best"},
    )
    limited = key(denied_models=["openai/gpt-4o"])

    for name in ("best", "alias", "openai/gpt-4o", "gpt-4o"):
        assert not may_call(limited, name, served), name
    assert may_call(limited, "openai/gpt-4o-mini", served)


def test_a_wildcard_lets_no_second_model_pass_with_the_first() -> None:
    refusal = model_refusal(key(models=["openai/*"]), ["openai/a,anthropic/b"], EVERYTHING)

    assert refusal is not None
    assert (refusal.status, refusal.code) == (403, codes.MODEL_NOT_ALLOWED)


@pytest.mark.parametrize(
    "name", ["gemini/x/../pro", "gemini/./pro", "gemini/pr%6f", "gemini/pro?x", "gemini/pro#x", " gemini/pro", "a\x00"]
)
def test_no_key_with_a_list_may_ask_by_a_name_that_arrives_as_another_one(name: str) -> None:
    for limited in (key(denied_models=["gemini/pro"]), key(models=["regex:.*"])):
        assert not may_call(limited, name, EVERYTHING)
    assert may_call(key(), name, EVERYTHING)


def test_a_name_too_long_to_be_looked_at_is_denied() -> None:
    assert not may_call(key(denied_models=["openai/o1"]), "x" * 301, EVERYTHING)


def test_a_target_is_denied_by_what_is_behind_its_name() -> None:
    served = Catalog([{"model_name": "best", "litellm_params": {"model": "openai/gpt-4o"}}], {})
    denied = DeniedTargets(Keyring([key(denied_models=["openai/*"])]), served)
    mine = Identity(virtual_key_id=digest_of(SECRET))

    for targets in ([Target("best")], []):
        chosen = denied.select_targets(Request("best", identity=mine), targets)
        assert chosen is not None
        assert chosen[0].rejected is not None


def test_every_model_that_is_asked_for_counts_fallbacks_included() -> None:
    limited = key(models=["openai/a", "openai/b"])

    assert model_refusal(limited, ["openai/a", "openai/b"], EVERYTHING) is None
    refusal = model_refusal(limited, ["openai/a", "openai/c"], EVERYTHING)
    assert refusal is not None
    assert refusal.message == "key ci may not use the model openai/c"


def test_a_denied_target_serves_nobody_whoever_proposed_it() -> None:
    denied = DeniedTargets(Keyring([key(denied_models=["openai/*"])]), EVERYTHING)
    request = Request("fast/x", identity=Identity(virtual_key_id=digest_of(SECRET)))

    chosen = denied.select_targets(request, [Target("openai/x"), Target("cerebras/x")])

    assert chosen is not None
    assert [target.rejected.code if target.rejected else None for target in chosen] == ["model_not_allowed", None]


def test_of_a_group_only_those_serve_that_the_key_does_not_deny() -> None:
    models = [
        {"model_name": "smart", "litellm_params": {"model": model}} for model in ("openai/responses/o1", "groq/x")
    ]
    served = Catalog(models, {})
    mine = Identity(virtual_key_id=digest_of(SECRET))
    request = Request("fast/x", identity=mine, models=served)
    target = Target("group:smart")

    def left(*denied_models: str) -> list[str | None] | None:
        denied = DeniedTargets(Keyring([key(denied_models=list(denied_models))]), served)
        proposed = denied.select_targets(request, [target])
        assert proposed is not None
        if proposed[0].rejected:
            return None
        members = [Target(name) for name in served.members("group:smart")]
        charged = denied.charge_targets(request, members)
        assert charged is not None
        return [member_of(member.name)[1] for member in charged if not member.rejected]

    assert left("openai/o1") == ["groq/x"], "whatever API it is asked by"
    assert left("gemini/*") == ["openai/o1", "groq/x"]
    assert left("openai/*", "groq/*") is None
    assert left("smart") is None, "by its own name"


class Aliased:
    """As `governance.proxy.models` tells it: the names behind a name come without a provider."""

    def served_by(self, name: str) -> list[tuple[str, str]]:
        return {"clever": [("groq", "x"), ("", "smart")], "openai/gpt-4o": [("openai", "gpt-4o"), ("", "best")]}.get(
            name, [("groq", "x")]
        )


@pytest.mark.parametrize(
    ("target", "denied_model"),
    [("group:clever", "smart"), ("group:clever", "clever"), ("group:clever", "groq/x"), ("openai/gpt-4o", "best")],
)
def test_a_group_that_is_denied_by_its_name_serves_under_no_other(target: str, denied_model: str) -> None:
    served = Catalog([{"model_name": "smart", "litellm_params": {"model": "groq/x"}}], {}, {"clever": "smart"})
    request = Request("fast/x", identity=Identity(virtual_key_id=digest_of(SECRET)), models=served)
    denied = DeniedTargets(Keyring([key(denied_models=[denied_model])]), Aliased())

    chosen = denied.select_targets(request, [Target(target)])

    assert chosen is not None
    assert chosen[0].rejected is not None


def test_a_model_that_a_rule_put_in_place_of_another_is_denied_too() -> None:
    denied = DeniedTargets(Keyring([key(denied_models=["openai/*"])]), EVERYTHING)
    mine = Identity(virtual_key_id=digest_of(SECRET))

    rewritten = denied.select_targets(Request("openai/x", identity=mine), [])

    assert rewritten is not None
    assert rewritten[0].rejected is not None
    assert denied.select_targets(Request("cerebras/x", identity=mine), []) is None
    assert denied.select_targets(Request("openai/x"), [Target("openai/x")]) is None, "another's key denies nothing"


@pytest.mark.parametrize(
    ("denied", "name"),
    [
        ("openai/o1*", "openai/responses/o1"),
        ("openai/o1*", "openai/responses/responses/o1-pro"),
        ("azure/o1*", "azure/responses/o1"),
        ("azure/o1*", "azure/o_series/o1"),
        ("bedrock/anthropic.claude*", "bedrock/converse/anthropic.claude-v2"),
        ("bedrock/anthropic.claude*", "bedrock/invoke/us-east-1/anthropic.claude-v2"),
        ("bedrock/anthropic.claude*", "bedrock/converse/us.anthropic.claude-v2"),
        ("bedrock/anthropic.claude*", "bedrock/eu.anthropic.claude-v2"),
        ("cohere/command*", "cohere_chat/command-r"),
        ("openai/*", "text-completion-openai/gpt-3.5-turbo-instruct"),
        ("vertex_ai/gemini-2*", "vertex_ai_beta/gemini-2.5-pro"),
        ("vertex_ai/gemini-2*", "vertex_ai/gemini/gemini-2.5-pro"),
    ],
)
@pytest.mark.parametrize("wildcards", [True, False])
def test_words_that_choose_an_api_a_region_or_a_variant_hide_no_denied_model(
    denied: str, name: str, wildcards: bool
) -> None:
    provider = name.partition("/")[0]
    listed = [{"model_name": f"{provider}/*", "litellm_params": {"model": f"{provider}/*"}}] if wildcards else None

    assert not may_call(key(denied_models=[denied]), name, Catalog(listed, {}))
    assert may_call(key(denied_models=[f"{denied}-of-another-kind"]), name, Catalog(listed, {}))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "openai/responses/oresponses/1",
            "azure/oo_series/1",
            "azure/responses/oazure_ai/1",
            "bedrock/invoke/xinvoke/y",
        ),
        *("bedrock/async_invoke/aasync_invoke/b", "bedrock/mmantle/x", "bedrock/converse_like/xconverse_like/y"),
    ],
)
def test_a_name_that_litellm_cuts_words_out_of_is_not_allowed_to_a_key_with_a_list(name: str) -> None:
    assert not may_call(key(denied_models=["openai/nothing"]), name, EVERYTHING)


@pytest.mark.parametrize(
    "name", ["bedrock/async_invoke/m", "bedrock/invoke/m", "azure_ai/m", "openai/responses/m", "groq/my-openai/m"]
)
def test_the_same_words_alone_are_names_like_any_other(name: str) -> None:
    assert may_call(key(denied_models=["openai/nothing"]), name, EVERYTHING)


def asked_by_litellm(limited: Key, *names: str, served: Catalog = EVERYTHING) -> list[str | None]:
    """What a key is told of models that LiteLLM tries by itself, such as fallbacks of its router."""
    mine = Request("first", identity=Identity(virtual_key_id=digest_of(SECRET)))
    targets = [Target(name, asked=True) for name in names]
    told = DeniedTargets(Keyring([limited]), served).charge_targets(mine, targets) or targets
    return [target.rejected.detail if target.rejected else None for target in told]


def test_what_litellm_tries_by_itself_is_no_model_that_the_key_denies_or_does_not_list() -> None:
    served = Catalog(
        [
            {"model_name": "hidden", "litellm_params": {"model": "groq/secret"}},
            {"model_name": "open", "litellm_params": {"model": "groq/open"}},
        ],
        {},
        {"nick": "hidden"},
    )

    assert asked_by_litellm(key(denied_models=["groq/secret"]), "hidden", "nick", "open", served=served) == [
        "denied to key ci",
        "denied to key ci",
        None,
    ]
    assert asked_by_litellm(key(models=["regex:first|open"]), "hidden", "open", served=served) == [
        "not on the model list of key ci",
        None,
    ]
    assert asked_by_litellm(key(), "hidden") == [None]


def test_of_a_group_that_litellm_falls_back_to_the_denied_deployment_alone_is_denied() -> None:
    mixed = Catalog(
        [
            {"model_name": "mixed", "litellm_params": {"model": f"groq/{name}"}, "model_info": {"id": name}}
            for name in ("open", "secret")
        ],
        {},
    )
    told = asked_by_litellm(key(denied_models=["groq/secret"]), *mixed.members("mixed"), served=mixed)

    assert told == [None, "denied to key ci"]


def test_a_target_that_a_profile_names_need_not_be_on_the_list() -> None:
    mine = Request("fast/m", identity=Identity(virtual_key_id=digest_of(SECRET)))
    denied = DeniedTargets(Keyring([key(models=["fast/*"], denied_models=["groq/*"])]), EVERYTHING)

    assert denied.charge_targets(mine, [Target("cerebras/m")]) is None


def test_a_policy_with_keys_loads_and_keeps_what_they_stand_for() -> None:
    everything, rotated, nothing, all_ = Host.load(GOOD).policy.core.keys

    assert (rotated.team, rotated.user, rotated.customer) == ("research", "somebody", "acme")
    assert rotated.metadata == {"governance_profile": "eco", "nested": {"tags": ["a"]}}
    assert [digest.expires is None for digest in rotated.sha256] == [False, True]
    assert rotated.expires == datetime(2027, 12, 31, 17, tzinfo=timezone.utc)
    assert [key.restricted for key in (everything, rotated, nothing, all_)] == [False, True, True, False]
