"""What a test of a policy says, how it is decided, and what a mistake in it is told as."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.model.errors import PolicyError
from governance.testing import Coverage, catalog_of, read_suite, run
from governance.testing.junit import write_junit
from tests import patience
from tests.testing.played import POLICY, results

ROOT = Path(__file__).resolve().parents[2]
POLICIES = sorted(
    path for path in (ROOT / "config").glob("*.yaml") if not path.name.endswith((".tests.yaml", "litellm.yaml"))
)


def differences(tmp_path: Path, tests: str) -> list[tuple[str, Any, Any]]:
    return [tuple(difference) for result in results(tmp_path, tests) for difference in result.differences]


@pytest.mark.parametrize("policy", [pytest.param(path, id=path.name) for path in POLICIES])
def test_every_example_policy_has_tests_that_pass_and_touch_all_of_it(policy: Path) -> None:
    suite = read_suite(policy.with_name(f"{policy.stem}.tests.yaml"))
    host = Host.load(policy)
    found = asyncio.run(run(host, suite, catalog_of(host, suite.config)))
    covered = Coverage.of(host, [record for result in found for record in result.records])

    assert suite.policy is not None
    assert suite.policy.resolve() == policy
    assert [(result.name, result.differences) for result in found if not result.passed] == []
    assert {str(place): why for place, why in covered.untouched.items()} == {}


def test_only_what_is_stated_is_compared(tmp_path: Path) -> None:
    assert differences(tmp_path, "- {name: one, request: {model: fast/m}, expect: {outcome: route}}") == []
    assert differences(tmp_path, "- {name: one, request: {model: fast/m}, expect: {profile: null, rule: null}}") == [
        ("profile", None, "Fast")
    ]


@pytest.mark.parametrize(
    ("expected", "different"),
    [
        ("model: b/m", ("model", "b/m", "a/m")),
        ("fallbacks: []", ("fallbacks", [], ["b/m"])),
        ("fallbacks: {contains: [b/m]}", None),
        ("fallbacks: {contains: [b/m, c/m]}", ("fallbacks", {"contains": ["c/m"]}, ["b/m"])),
        ("refusal: {status: 400}", ("refusal", {"status": 400}, None)),
        ("refusal: null", None),
        ("candidates: {a/m: null, c/m: target_disabled}", None),
        ("candidates: {b/m: not_configured}", ("candidates[b/m]", "not_configured", None)),
        ("candidates: {d/m: null}", ("candidates[d/m]", None, "(is no candidate)")),
        ("reasons: [target_disabled]", None),
        ("windows: [{used_before: 0}, {unit: tokens}]", None),
        ("windows: [{used_before: 1}, {unit: tokens}]", ("windows[0].used_before", 1, 0)),
        ("windows: [{unit: tokens}]", ("windows", [{"unit": "tokens"}], [{"unit": "requests"}, {"unit": "tokens"}])),
        ("windows: {contains: [{unit: tokens, fits: true}]}", None),
        (
            "windows: {contains: [{unit: concurrent}]}",
            ("windows", {"contains": [{"unit": "concurrent"}]}, [{"unit": "requests"}, {"unit": "tokens"}]),
        ),
        ("shadow: []", None),
        ("task: code", ("task", "code", None)),
        ("degraded_by: x", ("degraded_by", "x", None)),
    ],
)
def test_what_differs_is_told_with_its_path(
    tmp_path: Path, expected: str, different: tuple[str, Any, Any] | None
) -> None:
    test = f"- name: one\n  request: {{model: fast/m}}\n  expect: {{{expected}}}"

    assert differences(tmp_path, test) == ([different] if different else [])


def test_parts_of_a_refusal_are_compared(tmp_path: Path) -> None:
    refusal = "{status: 429, code: no_eligible_target, message_contains: NAMES NO model}"

    assert differences(tmp_path, f"- {{name: one, request: {{model: fast/}}, expect: {{refusal: {refusal}}}}}") == [
        ("refusal.status", 429, 400)
    ]


def test_a_request_lies_on_top_of_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(
        "defaults: {model: fast/m, headers: {x-tier: gold, x-a: b}, body: {max_tokens: 7}, tags: [a]}\n"
        "tests:\n"
        "  - {name: as it is, expect: {rule: tier, model: a/m}}\n"
        "  - {name: another model, request: {body: {model: fast/n}, headers: {x-tier: tin}}, expect: {model: a/n}}\n"
    )
    found = asyncio.run(run(Host.parse(POLICY), read_suite(file), Catalog(None, {})))

    assert [result.differences for result in found] == [(), ()]
    assert found[1].records[0]["request"]["max_output_tokens"] == 7
    assert found[1].records[0]["request"]["tags"] == ["a"]


def test_a_test_that_states_no_clock_and_no_draws_repeats_exactly(tmp_path: Path) -> None:
    policy = """
routing_profiles:
  - {name: S, virtual_provider: s, strategy: weighted, targets: [{provider: a}, {provider: b}, {provider: c}]}
"""
    test = "- {name: one, request: {model: s/m}, expect: {outcome: route}}"
    models = {results(tmp_path, test, policy)[0].records[0]["model"] for _ in range(10)}
    (told,) = results(tmp_path, test, policy)[0].records

    assert len(models) == 1
    assert told["at"] == "2026-01-01T12:00:00.000Z"


def test_the_turns_of_a_sequence_share_one_ledger_and_its_clock(tmp_path: Path) -> None:
    tests = """
- name: one
  request: {model: fast/m, at: 2026-11-20T12:00:00Z}
  sequence:
    - {times: 2, expect: {model: a/m}}
    - {after: 59s, expect: {model: b/m, reasons: [requests_exhausted, target_disabled]}}
    - {after: 5s, expect: {model: a/m}}
    - {at: 2026-11-21T00:00:00Z, request: {model: fast/n}, expect: {windows: {contains: [{used_before: 0}]}}}
"""
    found = results(tmp_path, tests)

    assert [result.differences for result in found] == [()]
    assert [record["at"][11:19] for record in found[0].records] == [
        "12:00:00",
        "12:00:00",
        "12:00:59",
        "12:01:04",
        "00:00:00",
    ]


def test_an_answer_is_settled_to_what_it_used(tmp_path: Path) -> None:
    tests = """
- name: one
  request: {model: fast/m, prompt_tokens: 10, max_output_tokens: 500}
  sequence:
    - {settle: {input_tokens: 12, output_tokens: 8}, expect: {windows: {contains: [{unit: tokens, reserved: 510}]}}}
    - {expect: {windows: {contains: [{unit: tokens, used_before: 20}]}}}
"""
    assert differences(tmp_path, tests) == []


def test_failures_move_a_request_on_and_cool_targets_down(tmp_path: Path) -> None:
    tests = """
- name: one
  request: {model: fast/m}
  sequence:
    - fail: overloaded
      settle: {input_tokens: 1, output_tokens: 1}
      expect:
        attempts: [{target: a/m, outcome: failed, error: overloaded}, {target: b/m, outcome: ok}]
    - {after: 14s, expect: {model: b/m, candidates: {a/m: cooling_down}}}
    - {after: 2s, fail: [timeout, timeout], expect: {attempts: [{target: a/m}, {target: b/m, outcome: failed}]}}
"""
    assert differences(tmp_path, tests) == []


def test_an_end_that_a_request_does_not_reach_is_a_difference(tmp_path: Path) -> None:
    tests = """
- name: one
  request: {model: fast/m}
  sequence:
    - {fail: [timeout, timeout, timeout], expect: {outcome: route}}
    - {request: {model: fast/}, settle: {input_tokens: 1, output_tokens: 1}}
"""
    assert [path for path, _, _ in differences(tmp_path, tests)] == ["sequence[0].fail", "sequence[1].settle"]


def test_each_of_several_times_must_be_as_expected(tmp_path: Path) -> None:
    tests = "- {name: one, request: {model: fast/m}, sequence: [{times: 3, expect: {model: a/m}}]}"

    assert differences(tmp_path, tests) == [("sequence[0] (time 3).model", "a/m", "b/m")]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["1: a tests file is a mapping, such as policy: "]),
        ("{}", ["1: tests: is required"]),
        ("tests: []", ["1: tests: must not be empty"]),
        (
            "tests:\n- {name: one, expect: {model: m}}",
            ["2: tests[0].request: needs a `model`, here or in the defaults"],
        ),
        ("tests:\n- {name: one, request: {model: m}}", ["2: tests[0]: needs `expect`"]),
        ("tests:\n- {name: one, request: {model: m}, expect: {}}", ["2: tests[0].expect: expects nothing"]),
        (
            "tests:\n- name: one\n  request: {model: m}\n  expekt: {}",
            ["4: tests[0].expekt: unknown key, did you mean `expect`?; known: expect, name, request, sequence"],
        ),
        (
            "tests:\n- name: one\n  request: {modl: m}\n  expect: {windows: [{limmit: x}], fallbacks: m}",
            [
                "3: tests[0].request.modl: unknown key, did you mean `model`?; known: at, body, ",
                "4: tests[0].expect.windows[0].limmit: unknown key, did you mean `limit`?; known: fits, limit, ",
                "4: tests[0].expect.fallbacks: must be a list, or {contains: […]} for a part of one",
            ],
        ),
        (
            "tests:\n- name: one\n  request: {model: m}\n  expect: {fallbacks: {contain: [a]}}",
            ["4: tests[0].expect.fallbacks.contain: unknown key, did you mean `contains`?; known: contains, exact"],
        ),
        (
            "tests:\n- {name: one, request: {model: m}, expect: {model: m}}\n"
            "- {name: one, request: {model: m}, expect: {model: m}}",
            ["3: tests[1].name: `one` is the name of an earlier test; names are unique"],
        ),
        (
            "tests:\n- name: one\n  request: {model: m}\n  sequence: [{}]",
            ["4: tests[0].sequence: expects nothing; at least one turn needs an `expect`"],
        ),
        (
            "tests:\n- name: one\n  request: {model: m}\n  sequence:\n"
            "  - {after: 1, fail: dizzy, expect: {model: m}}\n  - {times: 0}",
            [
                "5: tests[0].sequence[0].after: must be a time such as 61s, 5m or 1 hour",
                "5: tests[0].sequence[0].fail[0]: `dizzy` is no kind of failure; known: rate_limited, overloaded, ",
                "6: tests[0].sequence[1].times: must be greater than or equal to 1",
            ],
        ),
        (
            "tests:\n- name: one\n  request: {model: m, usage: [{used: 1}]}\n  expect: {model: m}\n  sequence:\n"
            "  - {after: 1s, at: 2026-01-01T00:00:00Z, request: {at: 2026-01-01T00:00:00Z}, expect: {model: m}}",
            [
                "4: tests[0].expect: stands beside `sequence`",
                "5: tests[0].sequence: the ledger of a sequence counts",
                "6: tests[0].sequence[0].after: stands beside `at`",
                "6: tests[0].sequence[0].request.at: not in a sequence: `at` stands beside `request` in a turn",
            ],
        ),
        ("tests: &a [*a]", ["1: tests[0]: contains itself through an alias"]),
    ],
)
def test_mistakes_are_told_with_line_and_path(tmp_path: Path, text: str, messages: list[str]) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(text)
    with pytest.raises(PolicyError) as error:
        read_suite(file)
    told = str(error.value).splitlines()

    assert len(told) == len(messages), told
    for message in messages:
        assert any(line.startswith(f"{file}:{message}") for line in told), told


def test_junit_is_written_as_its_schema_has_it(tmp_path: Path) -> None:
    found = results(
        tmp_path,
        """
- {name: good, request: {model: fast/m}, expect: {outcome: route}}
- {name: "bad <&\\"> \\u0001", request: {model: "fast/\\u0002<m>"}, expect: {model: "]]>", outcome: pass}}
""",
    )
    file = tmp_path / "junit.xml"
    write_junit(file, [("a & b.yaml", found)])
    (suite,) = ElementTree.parse(file).getroot()

    assert suite.tag == "testsuite"
    assert {"name", "timestamp", "hostname", "tests", "failures", "errors", "time", "package", "id"} == set(
        suite.attrib
    )
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert [child.tag for child in suite] == ["properties", "testcase", "testcase", "system-out", "system-err"]
    good, bad = suite.findall("testcase")
    assert list(good) == []
    assert bad.get("name") == 'bad <&"> \ufffd'
    (failure,) = bad
    assert failure.get("type") == "Difference"
    assert failure.get("message") == 'outcome: expected "pass", got "refuse"'
    assert failure.text is not None
    assert failure.text.startswith("a & b.yaml:4\noutcome: ")


def test_testing_imports_no_litellm() -> None:
    code = "import sys, governance.testing; sys.exit('litellm' in sys.modules)"

    assert patience.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
