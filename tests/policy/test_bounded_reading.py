"""Documents made to exhaust whoever reads them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from governance.model.errors import PolicyError
from governance.policy import Policy

Parse = Callable[[str], Policy]


def refusal(parse: Parse, text: str) -> str:
    with pytest.raises(PolicyError) as refused:
        parse(text)
    return str(refused.value)


def test_nesting_through_aliases_is_as_deep_as_it_looks(parse: Parse) -> None:
    chain = "".join(f"  - &a{i} [*a{i - 1}]\n" for i in range(1, 600))

    assert "nested deeper than 40 levels, through aliases" in refusal(parse, f"plugins:\n  - &a0 [x]\n{chain}")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_a_hundred_thousand_levels_are_refused(parse: Parse, opening: str) -> None:
    message = refusal(parse, "version: 1\nplugins:\n  " + opening * 100_000)

    assert message.startswith("policy.yaml:3: ")
    assert len(message) < 200


def test_forty_levels_are_read(parse: Parse) -> None:
    assert "must be text, not a list" in refusal(parse, "plugins: [" + "[" * 37 + "]" * 37 + "]")


def test_a_document_larger_than_ten_mebibytes_is_refused_unread(parse: Parse) -> None:
    assert refusal(parse, "#" * (10 * 2**20 + 1)) == "policy.yaml: larger than 10 MiB"


def test_many_small_expansions_count_together(parse: Parse) -> None:
    text = "a: &a [" + "x, " * 1000 + "x]\nb: [" + "*a, " * 300 + "*a]\n"

    assert "expands to more than 200,000 values; repeat less by aliases" in refusal(parse, text)


def test_a_large_policy_without_aliases_is_not_told_to_repeat_less(parse: Parse) -> None:
    many = "plugins: [" + "x, " * 200_000 + "x]"

    assert "has more than 200,000 values, which is the most of a policy" in refusal(parse, many)
    assert "alias" not in refusal(parse, many)


def test_an_alias_used_twice_is_no_bomb(parse: Parse) -> None:
    policy = parse(
        """
        version: 1
        routing_profiles:
          - name: One
            virtual_provider: one
            targets: &both
              - {provider: cerebras}
              - {provider: openai}
          - name: Two
            virtual_provider: two
            targets: *both
        """
    )

    assert [len(profile.targets) for profile in policy.sections["routing_profiles"].root] == [2, 2]


@pytest.mark.parametrize("number", ["9" * 4_000_000, "0." + "1" * 4_000_000, "1e999999999"])
def test_a_number_of_millions_of_digits_is_just_a_mistake(parse: Parse, number: str) -> None:
    for limits in ({"requests": f"{number}/minute"}, {"cost": f"{number} USD/day"}, {"concurrent": number}):
        target = {"provider": "openai", "limits": limits}
        profile = {"name": "Fast", "virtual_provider": "fast", "targets": [target]}

        assert "such as" in refusal(parse, json.dumps({"routing_profiles": [profile]}))


def test_of_fifteen_thousand_mistakes_a_hundred_are_told(parse: Parse) -> None:
    keys = "".join(f"  key_{i}: {i}\n" for i in range(15_000))

    for text in (f"access:\n{keys}", keys.replace("  ", "")):
        lines = refusal(parse, text).splitlines()
        assert len(lines) == 101
        assert lines[-1].endswith(": there are more mistakes; mend these first")


@pytest.mark.parametrize(
    "text",
    [
        "- 1\n" * 2_500_000,
        "version: 1\nplugins: [" + "1," * 5_000_000 + "]\n",
        "".join(f"k{i}: 1\n" for i in range(700_000)),
    ],
)
def test_ten_megabytes_of_values_are_refused_before_they_are_kept(parse: Parse, text: str) -> None:
    assert "has more than 200,000 values" in refusal(parse, text)


def test_a_list_of_plugins_that_are_none_is_judged_in_one_walk(parse: Parse) -> None:
    lines = refusal(parse, "version: 1\nplugins: [" + "1," * 150_000 + "]\n").splitlines()

    assert len(lines) == 101
    assert refusal(parse, "version: 1\nplugins: [routing_profiles, routing_profiles]\nrouting_profiles: []").endswith(
        "`routing_profiles` is listed twice"
    )


@pytest.mark.parametrize(
    "text",
    [
        'version: 1\nledger: {url: "' + "x" * 1_000_000 + '"}\n',
        "version: 1\nplugins:\n  - " + "x" * 1_000_000,
        "rate_limits:\n" + 2 * f"  - {{name: {'n' * 100_000}, subject: everyone, requests: 1/minute}}\n",
        "? " + "k" * 1_000_000 + "\n: 1\n",
    ],
)
def test_what_is_written_is_repeated_in_part_where_it_is_long(parse: Parse, text: str) -> None:
    assert len(refusal(parse, text)) < 5_000
