"""Conditions: what they mean, what of them is known when they are loaded, and what is said of those that are none."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.expressions import VARIABLES, Facts, compile_condition
from governance.model import Identity, Percent, Request

KNOWN = ", ".join(VARIABLES)


class Levels:
    def percent(self, request: Request) -> Percent:
        return Percent(budget_used=85.5, tokens_used=150.0, request=12.0)


def request(**given: Any) -> Request:
    return Request(**{"model": "openai/gpt-4o", "levels": Levels(), **given})


def answer(text: str, asked: Request | None = None) -> bool | None:
    condition = compile_condition(text)
    return condition.evaluate(Facts(asked or request(), condition.reads))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('model == "gpt-4o" && provider == "openai"', True),
        ("", True),
        (" \n\t", True),
        ("true", True),
        ('task == "" && team_id == ""', True),
        ('"tools" in capabilities && "text" in modalities', True),
        ('tags.exists(t, t == "batch")', True),
        ('metadata.tier == "gold" && metadata.limits.seats > 4.5', True),
        ('virtual_key_name == "ci"', True),
        ("prompt_tokens + 88 == 900 && max_output_tokens == 0", True),
        ('params["temperature"] == "0.2"', True),
    ],
)
def test_what_a_request_brings_can_be_asked_for(text: str, expected: bool) -> None:
    asked = request(
        identity=Identity(virtual_key_name="ci", metadata={"tier": "gold", "limits": {"seats": 5}}),
        capabilities=frozenset({"tools"}),
        tags=("batch",),
        params={"temperature": "0.2"},
        prompt_tokens=812,
    )

    assert answer(text, asked) is expected


@pytest.mark.parametrize(
    "text",
    [
        "budget_used > 80",
        "80 < budget_used",
        "budget_used >= 0x10 && budget_used != 80",
        "tokens_used == 150",
        "budget_used > prompt_tokens",
        "budget_used > size(model)",
        "request in [12, 13]",
        "prompt_tokens < 1.5",
        "budget_used + 10 > 95",
        "budget_used > -5",
    ],
)
def test_whole_numbers_and_fractions_compare_freely(text: str) -> None:
    assert answer(text) is True


@pytest.mark.parametrize(
    "text",
    [
        'headers["x-tier"] == "premium"',
        '!(headers["x-tier"] == "premium")',
        'headers["x-tier"] != "premium"',
        'headers.tier == ""',
        'false || headers["x-tier"] == "premium"',
        'params["user"].startsWith("a")',
        "metadata.deep.er == 1",
        'metadata["n"] > 5',
    ],
)
def test_what_is_missing_makes_a_condition_no_match_also_when_negated(text: str) -> None:
    assert answer(text) is None


@pytest.mark.parametrize(
    "text",
    [
        'true || headers["x-tier"] == "premium"',
        'headers["x-tier"] == "premium" || true',
        '!("x-tier" in headers)',
        "!has(headers.tier)",
    ],
)
def test_a_true_side_of_or_absorbs_what_is_missing_and_presence_can_be_asked(text: str) -> None:
    assert answer(text) is True


@pytest.mark.parametrize(
    "text",
    [
        'headers["X-Tier"] == "Gold"',
        "headers['X-TIER'] == 'Gold'",
        'headers[r"X-Tier"] == "Gold"',
        'headers["""X-Tier"""] == "Gold"',
        '"X-Tier" in headers',
        'has(headers.Region) && headers.Region == "eu"',
        'headers["\\u0058-Tier"] == "Gold"',
        '/* no */ headers["X-Tier"] == "Gold"'.removeprefix("/* no */ "),
    ],
)
def test_literal_names_of_headers_are_lower_cased_and_values_are_not(text: str) -> None:
    assert answer(text, request(headers={"x-tier": "Gold", "region": "eu"})) is True


def test_keys_of_metadata_and_names_of_loops_keep_their_case() -> None:
    assert answer('metadata["Tier"] == "gold"', request(identity=Identity(metadata={"Tier": "gold"}))) is True
    assert answer('[{"X": "a"}].exists(headers, headers["X"] == "a")') is True


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('request_type == "chat_completion"', "chat"),
        ('"chat_completion_stream" == request_type', "chat"),
        ('request_type in ["embeddings", "text_completion"]', "embedding"),
        ('request_type != "image"', "chat"),
        ('request_type == "call_mcp_tool"', "call_mcp_tool"),
    ],
)
def test_other_names_of_a_request_type_mean_the_same(text: str, kind: str) -> None:
    assert answer(text, request(request_type=kind)) is True


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("now.getHours() >= 9 && now.getHours() < 17", "2026-11-20T12:00:00", True),
        ('now.getHours("Europe/Berlin") == 13', "2026-11-20T12:00:00", True),
        ("now.getDayOfWeek() in [0, 6]", "2026-11-21T12:00:00", True),
        ('now > timestamp("2026-11-20T00:00:00Z") + duration("13h")', "2026-11-20T12:00:00", False),
    ],
)
def test_time_is_the_engines_time_and_functions_of_time_work_on_it(text: str, at: str, expected: bool) -> None:
    at_s = datetime.fromisoformat(at).replace(tzinfo=timezone.utc).timestamp()

    assert answer(text, request(at_s=at_s)) is expected


@pytest.mark.parametrize(
    ("model", "provider", "base"),
    [
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("openrouter/openai/gpt-4o", "openrouter", "openai/gpt-4o"),
        ("gpt-4o", "", "gpt-4o"),
        ("fast/glm-4.7", "", "fast/glm-4.7"),
    ],
)
def test_the_model_comes_without_its_provider(model: str, provider: str, base: str) -> None:
    asked = request(model=model)

    assert answer(f'model == "{base}" && provider == "{provider}"', asked) is True


def test_matches_is_unanchored() -> None:
    assert answer('model.matches("pt-4")') is True
    assert answer('model.matches("^pt-4")') is False
    assert answer('headers["user-agent"].matches("(?i)curl|wget")', request(headers={"user-agent": "x Wget"})) is True


def test_a_rule_knows_its_variables_and_what_a_request_must_have() -> None:
    condition = compile_condition(
        '(model == "a" || "b" == model) && team_id in ["x", "y"] && headers["X-Tier"] == "gold" && budget_used > 5'
    )

    assert condition.variables == {"model", "team_id", "headers", "budget_used"}
    assert dict(condition.equalities) == {
        ("model",): {"a", "b"},
        ("team_id",): {"x", "y"},
        ("headers", "x-tier"): {"gold"},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('reqest == "x"', f"unknown name `reqest` at column 1; known: {KNOWN}"),
        ('true\n  && reqest == "x"', f"unknown name `reqest` at line 2, column 6; known: {KNOWN}"),
        ('headers["X-Y"] == "a" && nope', f"unknown name `nope` at column 26; known: {KNOWN}"),
        ('budget_used > 80 && "é" == nope', f"unknown name `nope` at column 28; known: {KNOWN}"),
        ("headers__head.x == 'a'", f"unknown name `headers__head` at column 1; known: {KNOWN}"),
        ('model.upper() == "X"', "unknown function `upper` at column 12; known: contains, startsWith, "),
        ("model == 1", "`==` does not go with (string, int) at column 7"),
        ('budget_used > "80"', "`>` does not go with (double, string) at column 13"),
        ('tags == "a"', "`==` does not go with (list(string), string) at column 6"),
        ("model == 1 || reqest", "`==` does not go with (string, int) at column 7; unknown name `reqest` at column 15"),
        ("model ==", "ends too early, at column 9"),
        ('model == "gpt-4o" && (provider == "openai"', "missing ')' at the end at column 43"),
        ("model", "must be true or false for a request, and this is a text; compare it with something"),
        ("size(model)", "must be true or false for a request, and this is a number; "),
        ("metadata.flag", "must be true or false for a request, and this is a value of any type; "),
        ('model.matches("(")', "the pattern of `matches` "),
        ('model.matches("(?=x)")', "the pattern of `matches` is not valid: invalid regular expression"),
        ("model.matches(task)", "the pattern of `matches` must be written out, so that its cost is known"),
        ('model.matches("\\\\pL")', "the pattern of `matches` `\\p` is not supported in rules"),
        ('now.getHours("Europe/Berln") > 5', "the time zone of `getHours` is not valid: "),
        ("now.getHours(task) > 5", "the time zone of `getHours` must be written out"),
        ('timestamp("yesterday") < now', "`timestamp` is not valid: "),
        ("google.protobuf.Timestamp{seconds: 1} < now", "`google.protobuf.Timestamp{…}` at column 1: messages "),
        ("(" * 40 + "true" + ")" * 40, "is nested deeper than 32 levels"),
        ("budget_used + 5 > size(model)", "`>` does not go with (double, int) at column 17; put `double(…)` around "),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        compile_condition(text)

    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "😀" * 9000, "\udfff" * 9000])
def test_no_text_of_a_caller_is_an_error(text: str) -> None:
    asked = request(
        model=text,
        headers={"x": text, text: "x"},
        params={"x": text},
        tags=(text,),
        identity=Identity(team_id=text, metadata={"x": text, text: text, "y": {1: {2, 3}, "z": object()}}),
    )
    condition = (
        'model != "a" && headers.x != "a" && params.x != "a" && !("a" in tags) && team_id != "a" && metadata.x != "a"'
        ' && !headers.exists(k, k == "a") && metadata.y.z == null'
    )

    assert answer(condition, asked) is True


def test_a_text_does_not_end_at_a_nul() -> None:
    asked = request(headers={"x": "premium\0x"}, identity=Identity(metadata={"x": "premium\0x"}))

    assert answer('headers.x == "premium"', asked) is False
    assert answer('metadata.x == "premium"', asked) is False


def test_numbers_out_of_range_and_odd_metadata_are_no_error() -> None:
    asked = request(
        identity=Identity(metadata={"big": 10**30, "none": None, "list": (1, 2), "deep": {"a": {"b": [1]}}})
    )

    assert answer("metadata.big > 5 && metadata.none == null && 2 in metadata.list && 1 in metadata.deep.a.b", asked)


def test_without_the_library_a_condition_is_refused_in_a_sentence_and_rules_without_one_work() -> None:
    program = """
import sys
sys.modules["cel_expr_python.cel"] = None
from governance.model.errors import PolicyError
from governance.engine.host import Host
print(Host.parse('{"routing_rules": [{"name": "A", "targets": [{"provider": "openai"}]}]}').policy.order)
try:
    Host.parse('{"routing_rules": [{"name": "A", "cel_expression": "1 < 2", "targets": [{"provider": "openai"}]}]}')
except PolicyError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert told.startswith("('routing_rules',)\n")
    assert "cel_expression: conditions need the package cel-expr-python (Python 3.11 or newer): " in told


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\x7f"), max_size=20)


@given(
    value=names,
    other=names,
    kind=st.sampled_from(["headers", "params", "metadata"]),
)
def test_equality_on_any_text_is_equality(value: str, other: str, kind: str) -> None:
    text = f"{kind}.x == {json.dumps(other, ensure_ascii=False)}"
    asked = request(headers={"x": value}, params={"x": value}, identity=Identity(metadata={"x": value}))

    assert answer(text, asked) is (value == other), "a text is equal to itself only, whatever characters it has"


@given(st.text(alphabet='model=&|!()"[]. 1a,<', max_size=60))
def test_any_text_either_compiles_or_is_a_value_error(text: str) -> None:
    try:
        condition = compile_condition(text)
    except ValueError:
        return

    assert condition.evaluate(Facts(request(), condition.reads)) in (True, False, None)


@pytest.mark.parametrize("text", ["type(prompt_tokens) == int", "type(model) == string", "int == int"])
def test_types_of_values_are_refused_when_they_are_loaded(text: str) -> None:
    with pytest.raises(ValueError, match="types of values are not part of a policy"):
        compile_condition(text)
