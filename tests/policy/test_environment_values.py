"""A value of the environment stands in no message, whatever a library says of it, and nowhere that people look."""

from __future__ import annotations

import json
import re
import traceback
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from governance.engine.host import Host
from governance.engine.plugins import PluginFault, section_model
from governance.model.errors import PolicyError
from governance.policy import parse_policy
from tests.policy.places import SECTIONS, Path, places

PLACES = places()
LONGEST_TOLD = 5
ESCAPED = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})")
TEMPLATES = (
    "${SECRET}",
    "a${SECRET}b",
    "${SECRET}/x",
    "openai/${SECRET}",
    "5/${SECRET}",
    "1 USD/${SECRET}",
    "10s after 3 in ${SECRET}",
    "redis://${SECRET}:6379",
    "redis+sentinel://h:${SECRET}/m",
    "redis+cluster://h,${SECRET}:a",
    "rediss://h?ssl_cert_reqs=${SECRET}",
    "rediss://h?ssl_ca_certs=${SECRET}",
    "rediss://h?ssl_min_version=${SECRET}&db=${SECRET}",
    "rediss://user:${SECRET}@host:notaport",
    "https://user:${SECRET}@host:notaport/x",
    "http://[${SECRET}]/x",
    "https://${SECRET}@host/x",
    "regex:(?P<${SECRET}",
    "regex:[${SECRET}",
    "${SECRET}{} == 1",
    "${SECRET} == 1",
    '"${SECRET}" == 1',
    "model.${SECRET}()",
    'model.matches("(${SECRET}")',
    'timestamp("${SECRET}") == timestamp("${SECRET}")',
    "2027-${SECRET}",
    "Europe/${SECRET}",
    "{${SECRET}",
)
JUDGED_BY_LIBRARIES = (
    ("ledger", "url"),
    ("routing_rules", 0, "cel_expression"),
    ("budgets", 0, "timezone"),
    ("keys", 0, "models", 0),
)
# Each of any four characters in a row is of no word that a message has.
SECRET = some.lists(some.sampled_from("'\"`\\{}[]()<>%$#@:/?&=+*. \té€\u202e\x1b\n;|~-09"), min_size=4, max_size=9).map(
    lambda odd: "".join(f"{mark}qZ{at % 10}" for at, mark in enumerate(odd))
)


def load(document: object, secret: str) -> str:
    """All that a bad policy tells; of one that is valid, nothing."""
    try:
        Host.start(parse_policy(json.dumps(document), "p.yaml", SECTIONS, section_model, {"SECRET": secret}))
    except (PolicyError, PluginFault) as error:
        told = [str(error), *traceback.format_exception(error)]
        cause: BaseException | None = error
        while cause is not None:
            told.append(repr(cause))
            cause = cause.__cause__ or cause.__context__
        return "\n".join(told)
    return ""


def pieces(secret: str) -> set[str]:
    folded = secret.casefold()
    return {folded[at : at + LONGEST_TOLD + 1] for at in range(len(folded) - LONGEST_TOLD)}


def repeated(told: str, secret: str) -> set[str]:
    """The pieces of a secret in what is told, in whatever case and however it is written there."""
    forms = (
        told,
        unquote(told),
        told.replace("\\\\", "\\"),
        ESCAPED.sub(lambda code: chr(int(code[1] or code[2], 16)), told),
    )
    return {piece for piece in pieces(secret) for form in forms if piece in form.casefold()}


def at(path: Path) -> str:
    return ".".join(map(str, path))


@pytest.mark.parametrize("path", PLACES, ids=at)
def test_no_place_of_a_policy_tells_a_value(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    secret = "#qZ0{qZ1'qZ2é"
    told = load(PLACES[path]("${SECRET}"), secret)

    assert not repeated(told + "".join(capfd.readouterr()), secret)


@settings(max_examples=150, deadline=None)
@given(path=some.sampled_from(list(PLACES)), template=some.sampled_from(TEMPLATES), secret=SECRET)
@example(("ledger", "url"), "rediss://h?ssl_cert_reqs=${SECRET}", "%qZ0 qZ1@qZ2")
@example(("ledger", "url"), "redis+sentinel://h:${SECRET}/m", "@qZ0,qZ1:qZ2")
@example(("keys", 0, "models", 0), "regex:(?P<${SECRET}", "%qZ0 qZ1@qZ2")
@example(("routing_rules", 0, "cel_expression"), "${SECRET}{} == 1", "AqZ0BqZ1CqZ2")
def test_no_text_around_a_value_makes_a_library_tell_it(path: Path, template: str, secret: str) -> None:
    told = load(PLACES[path](template), secret)

    assert not repeated(told, secret)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("path", JUDGED_BY_LIBRARIES, ids=at)
def test_what_libraries_judge_is_told_in_our_words(
    path: Path, template: str, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "AqZ0BqZ1-CqZ2'DqZ3"
    told = load(PLACES[path](template), secret)

    assert not repeated(told + "".join(capfd.readouterr()), secret)


def test_a_message_that_is_the_same_without_the_value_stays() -> None:
    told = load({"ledger": {"url": "rediss://user:${SECRET}@host:notaport"}}, "hunter2")

    assert "notaport" in told


@pytest.mark.parametrize("name", ["DB_PASSWORD", "API_TOKEN", "GATEWAY_KEY", "OPENAI_API_KEY", "my_secret"])
def test_a_variable_with_the_name_of_a_secret_fills_in_nothing_that_is_shown(name: str) -> None:
    text = json.dumps({"budgets": [{"name": f"b ${{{name}}}", "amount": "1 USD/day", "subject": "everyone"}]})
    with pytest.raises(PolicyError) as refused:
        parse_policy(text, "p.yaml", SECTIONS, section_model, {name: "hunter2"})

    (problem,) = refused.value.problems
    assert problem.path == "budgets[0].name"
    assert problem.message.startswith(f"`${{{name}}}` would be shown here")


@pytest.mark.parametrize("name", ["TEAM", "TOKENS_PER_DAY", "KEY_SHA256", "REGION", "MONKEY"])
def test_other_variables_fill_in_any_string(name: str) -> None:
    text = json.dumps({"budgets": [{"name": f"b ${{{name}}}", "amount": "1 USD/day", "subject": "everyone"}]})
    policy = parse_policy(text, "p.yaml", SECTIONS, section_model, {name: "hunter2"})

    assert policy.sections["budgets"].root[0].name == "b hunter2"


def test_a_secret_fills_in_addresses_keys_and_conditions() -> None:
    condition = 'headers["x"] == "${SECRET}"'
    provider = {"api_base": "https://h/${SECRET}", "api_key": "${SECRET}", "docs_url": "https://h/${SECRET}"}
    document = {
        "ledger": {"url": "redis://:${SECRET}@h"},
        "store": {"url": "postgresql://u:${SECRET}@h/d"},
        "catalog": {"discovery": {"providers": {"openai": provider}}},
        "telemetry": {"alerts": {"webhook": "https://h/${SECRET}", "secret": "${SECRET}"}},
        "routing_rules": [{"name": "r", "cel_expression": condition, "targets": [{"provider": "openai"}]}],
        "budgets": [{"name": "b", "amount": "1 USD/day", "subject": "everyone", "match": condition}],
    }

    assert load(document, "hunter2hunter2hunter2") == ""
