"""What differs between two policies, with its place, its values and what it does to callers."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from governance.engine import plugins
from governance.engine.host import Host
from governance.policy.diff import MISSING
from governance.policy.diff_effects import Change
from governance.policy.diff_secrets import HIDDEN
from governance.usecases.compare import compare

LIMIT = "rate_limits:\n- {name: research, subject: {team: research}, requests: 60/minute%s}\n"
CALLERS = "rate_limits:\n- {name: callers, subject: {end_user: '*'}, requests: 60/minute%s}\n"
BUDGET = "budgets:\n- {name: monthly, subject: everyone, amount: 500 USD/month%s}\n"
RULE = "routing_rules:\n- {name: away, refuse: {message: go}%s}\n"
ROUTE = "routing_rules:\n- {name: to, targets: [{provider: a, model: b}]%s}\n"
PROFILE = "routing_profiles:\n- name: Fast\n  virtual_provider: fast\n  targets: [%s]\n"
KEY = "keys:\n- {name: ci, sha256: %s%s}\n"
TEAM = "teams:\n- {name: research%s}\n"
TO = ", on_exceeded: {route_to: a/b}"
ONE, TWO = "a" * 64, "b" * 64


def found(before: str, after: str) -> list[Change]:
    return list(compare(*(Host.parse(f"version: 1\n{text}") for text in (before, after))))


def effects(before: str, after: str) -> set[str]:
    return {effect for change in found(before, after) for effect in change.effects}


@pytest.mark.parametrize(
    ("text", "before", "after", "expected"),
    [
        (LIMIT, "", ", requests: 40/minute", "tightens"),
        (LIMIT, "", ", requests: 60/60s", "cosmetic"),
        (LIMIT, "", ", requests: 90/minute", "loosens"),
        (LIMIT, "", ", require: {region: eu}", "reroutes revokes"),
        (TEAM, ", require: {region: eu}", ", require: {region: [EU, ch]}", "reroutes grants"),
        (TEAM, ", require: {region: eu}", ", require: {zdr: true}", "reroutes grants revokes"),
        (TEAM, ", require: {region: eu}", ", require: {region: [EU]}", "cosmetic"),
        (ROUTE, "", ", require: {region: eu}", "reroutes revokes"),
        (KEY % (f"'{ONE}'", "%s"), ", require: {region: eu}", "", "reroutes grants"),
        (PROFILE, "{provider: a}", "{provider: a, labels: {region: eu}}", "reroutes grants revokes"),
        (LIMIT, "", ", requests: 60/hour", "tightens restarts_count"),
        (LIMIT, "", ", requests: 60/second", "loosens restarts_count"),
        (LIMIT, "", ", requests: [60/minute, 100/hour]", "tightens"),
        (LIMIT, "", ", concurrent: 3", "tightens"),
        (LIMIT, ", concurrent: 3", ", concurrent: 4", "loosens"),
        (LIMIT, "", ', subject: {team: "*"}', "tightens restarts_count"),
        (LIMIT, "", ", subject: {team: research, model: gpt-4o}", "loosens restarts_count"),
        (LIMIT, "", ", subject: {team: other}", "tightens loosens restarts_count"),
        (LIMIT, "", ', match: model == "a"', "loosens"),
        (LIMIT, ', match: model == "a"', ', match: model == "b"', "tightens loosens"),
        (LIMIT, "", ", mode: shadow", "loosens"),
        (CALLERS, "", ", shared: true", "tightens restarts_count"),
        (LIMIT, ", mode: shadow", ", mode: shadow, requests: 1/minute", "cosmetic"),
        (LIMIT, ", enabled: false", "", "tightens"),
        (LIMIT, "", ", name: Research", "restarts_count"),
        (LIMIT, "", ", name: science", "restarts_count"),
        (LIMIT, "", ", name: science, requests: 40/minute", "tightens loosens restarts_count"),
        (LIMIT, "", ", on_unavailable: allow", "loosens"),
        (LIMIT, "", ", on_exceeded: {route_to: a/b}", "loosens reroutes"),
        (
            LIMIT,
            ", on_exceeded: {route_to: a/b}",
            ", on_exceeded: {route_to: a/b}, requests: 9/minute",
            "tightens reroutes",
        ),
        (LIMIT, "", ", alert_at: 80%, description: for science", "cosmetic"),
        (BUDGET, "", ", amount: 400 USD/month", "tightens"),
        (BUDGET, "", ", timezone: Asia/Tokyo", "tightens loosens"),
        (BUDGET, "", ", rolling: true", "restarts_count"),
        (BUDGET, "", ", unpriced: allow", "loosens"),
        (BUDGET, ", unpriced: {assume: {input: 1 USD/1M, output: 1 USD/1M}}", "", "tightens"),
        (RULE, "", ", enabled: false", "loosens"),
        (RULE, "", ", cel_expression: 'model == \"a\"'", "loosens"),
        (RULE, "", ", refuse: {message: never}", "cosmetic"),
        (RULE, "", ", refuse: {message: go, status: 429}", "reroutes"),
        (ROUTE, "", ", targets: [{provider: a, model: b}, {provider: c, model: d, weight: 0.5}]", "reroutes grants"),
        (ROUTE, "", ", fallbacks: [e/f]", "reroutes grants"),
        (ROUTE, "", ", cel_expression: 'model == \"a\"'", "reroutes revokes"),
        (ROUTE, "", ", access: {grant: targets}", "revokes"),
        (ROUTE, "", ", mode: shadow", "reroutes revokes"),
        (ROUTE, "", ", name: elsewhere", "cosmetic"),
        (PROFILE, "{provider: a}", "{provider: a}, {provider: b}", "reroutes grants"),
        (PROFILE, "{provider: a}, {provider: b}", "{provider: b}, {provider: a}", "reroutes"),
        (PROFILE, "{provider: a}", "{provider: b}", "reroutes grants revokes"),
        (PROFILE, "{provider: a}", "{provider: a, limits: {requests: 5/minute}}", "tightens reroutes"),
        (PROFILE, "{provider: a}, {provider: b}", "{provider: a}, {provider: b, enabled: false}", "reroutes revokes"),
        (KEY, (ONE, ""), (ONE, ", models: [a/b]"), "revokes"),
        (KEY, (ONE, ", models: [a/b]"), (ONE, ", models: [a/b, c/d]"), "grants"),
        (KEY, (ONE, ""), (ONE, ", denied_models: [a/b]"), "revokes"),
        (KEY, (ONE, ""), (f"[{ONE}, {TWO}]", ""), "grants"),
        (KEY, (f"[{ONE}, {TWO}]", ""), (TWO, ""), "revokes restarts_count"),
        (KEY, (ONE, ""), (ONE, ", expires: 2027-01-01"), "revokes"),
        ("access: %s\n", "{}", "{grant: targets}", "revokes"),
        ("access: %s\n", "{}", "{require_key: true}", "tightens"),
        ("access: %s\n", "{}", "{environment: [HOME]}", "cosmetic"),
        ("access: %s\n", "{}", "{body: {timeout: 5s..60s}}", "tightens"),
        ("access: %s\n", "{}", "{ungoverned: [videos]}", "loosens"),
        ("access: %s\n", "{ungoverned: allow}", "{ungoverned: [videos, files]}", "tightens"),
        ("access: %s\n", "{ungoverned: [videos]}", "{ungoverned: [files]}", "tightens loosens"),
        ("access: %s\n", "{ungoverned: [videos, files]}", "{ungoverned: [files, videos]}", "cosmetic"),
        ("ledger: %s\n", "{}", "{url: redis://127.0.0.1:6379/3}", "restarts_count"),
        ("ledger: %s\n", "{}", "{on_unavailable: allow}", "loosens"),
        ("telemetry: %s\n", "{}", "{decisions: {keep: 5}}", "cosmetic"),
        ("change_guard: %s\n", "{}", "{max_cost: 5%}", "cosmetic"),
        ("task_routing: %s\n", "{}", "{active_profile: eco}", "reroutes"),
        ("task_routing: %s\n", "{}", "{overrides: {code: a/new}}", "reroutes grants"),
        ("failover: %s\n", "{}", "{max_attempts: 2}", "reroutes"),
        ("%s\n", "rate_limits: []", "plugins: [rate_limits]", "cosmetic"),
        ("plugins: [%s]\n", "budgets, rate_limits", "rate_limits, budgets", "reroutes"),
    ],
)
def test_every_change_says_what_it_does(text: str, before: Any, after: Any, expected: str) -> None:
    # What is written last counts, so that a case says only what is new.
    assert effects(*(once(text % given) for given in (before, after))) == set(expected.split())


def once(text: str) -> str:
    """A case that gives a field of the frame again means it in place of that one."""
    head, brace, rest = text.partition("- {")
    if not brace:
        return text
    fields: dict[str, str] = {}
    depth, piece = 0, ""
    for c in rest.rstrip()[:-1] + ",":
        depth += (c in "{[") - (c in "}]")
        if c == "," and not depth:
            key, _, value = piece.strip().partition(": ")
            fields[key] = value
            piece = ""
        else:
            piece += c
    return head + "- {" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}\n"


def test_a_change_has_its_line_in_both_files() -> None:
    before = "# mine\nrate_limits:\n- name: one\n  subject: everyone\n  requests: 5/minute\n"
    zero = "- name: zero\n  subject: everyone\n  tokens: 1k/day\n"
    after = f"rate_limits:\n{zero}- {{name: one, subject: everyone, requests: 4/minute}}\n"

    changed, added = found(before, after)

    assert (changed.path, changed.before, changed.after) == (("rate_limits", "one", "requests"), "5/minute", "4/minute")
    assert (changed.line_before, changed.line_after) == (6, 6)
    assert (added.path, added.before, added.line_before, added.line_after) == (
        ("rate_limits", "zero"),
        MISSING,
        None,
        3,
    )


def test_comments_and_the_order_of_keys_are_no_change() -> None:
    assert (
        found("access: {grant: targets, require_key: true}\n", "# why\naccess: {require_key: true, grant: targets}\n")
        == []
    )


def test_the_gateway_plugins_wrapping_is_no_change() -> None:
    wrapped = '{"name": "governance", "config": {"is_vk_mandatory": true}}'

    assert list(compare(Host.parse(wrapped), Host.parse("access: {require_key: true}\n"))) == []


def test_limits_change_where_requests_go_when_a_condition_asks_how_full_they_are() -> None:
    asks = "routing_rules:\n- {name: cheap, cel_expression: request > 80.0, targets: [{provider: a, model: b}]}\n"

    assert effects(LIMIT % "" + asks, once(LIMIT % ", requests: 40/minute") + asks) == {"tightens", "reroutes"}


def test_secrets_are_not_shown_and_references_are_as_they_are_written(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOOK", "https://hooks.test/sesame")
    files = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    files[0].write_text("ledger: {url: 'redis://u:sesame@127.0.0.1/0'}\n")
    files[1].write_text("telemetry: {alerts: {webhook: '${HOOK}', secret: sesame-sesame-sesame}}\n")

    told = list(compare(*map(Host.load, files)))

    assert "sesame" not in repr(told)
    assert told[0].before == {"url": f"redis://u:{HIDDEN}@127.0.0.1/0"}
    assert told[1].after == {"alerts": {"webhook": "${HOOK}", "secret": HIDDEN}}


def test_a_plugin_that_says_nothing_of_a_change_may_change_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(plugins.plugin_class("failover"), "effects")

    (change,) = found("failover: {}\n", "failover: {max_attempts: 2}\n")

    assert (change.effects, change.stated) == (("reroutes",), False)


@pytest.mark.parametrize("says", [lambda change: 1 / 0, lambda change: {"explodes"}, lambda change: ()])
def test_a_plugin_that_cannot_say_is_contained(says: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins.plugin_class("failover"), "effects", staticmethod(says))

    (change,) = found("failover: {}\n", "failover: {max_attempts: 2}\n")

    assert (change.effects, change.stated) == (("reroutes",), False)


def test_renaming_all_entries_costs_the_same_for_each() -> None:
    def calls(entries: int) -> int:
        """How many functions are called to compare two policies of so many limits, all renamed."""
        lines = [f"- {{name: {{}}{i}, subject: {{team: t{i}}}, requests: {i + 1}/day}}" for i in range(entries)]
        both = ["\n".join(["version: 1", "rate_limits:", *lines]).replace("{}", name) for name in ("a", "b")]
        before, after = map(Host.parse, both)
        counted = 0

        def count(*_: Any) -> None:
            nonlocal counted
            counted += 1

        sys.setprofile(count)
        try:
            changes = compare(before, after)
        finally:
            sys.setprofile(None)
        assert [change.kind for change in changes] == ["renamed"] * entries
        return counted

    assert calls(400) < 5 * calls(100)
