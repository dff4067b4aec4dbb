"""Every key of a policy is documented with its section, and no table of keys names one that there is not.

docs/policy.md is the reference. What it says of a section is what stands below the section's heading, or after its name
in bold, and the pages and other sections that are linked there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from governance.engine.plugins import section_model
from governance.engine.simulation import SimulationInput
from governance.policy.document import Core
from governance.testing.document import TestsFile as DocumentOfTests
from tests.docs import policy_reference
from tests.docs.pages import ROOT, headings, rows, section, text_of

PAGE = "docs/policy.md"
BUILT_IN = sorted(
    folder.name for folder in (ROOT / "plugins" / "governance_plugins").iterdir() if (folder / "plugin.py").exists()
)
_LINK = re.compile(r"\]\(([\w-]+\.md)?(?:#([\w-]+))?\)")
_CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)


def schemas() -> dict[str, Any]:
    """What each section may hold, as JSON Schema."""
    core = Core.model_json_schema()
    found = {name: {"$defs": core["$defs"], "of": part} for name, part in core["properties"].items()}
    return found | {name: section_model(name).model_json_schema() for name in BUILT_IN}


def keys(schema: Any, of: Any) -> Iterator[str]:
    """Every key at any depth that this part of a schema can hold."""
    pending, seen = [schema], set()
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        elif isinstance(part, dict):
            reference = str(part.get("$ref", "")).rpartition("/")[2]
            if reference and reference not in seen:
                seen.add(reference)
                pending.append(of["$defs"][reference])
            yield from part.get("properties", ())
            pending += [
                value for name, value in part.items() if name not in ("$defs", "examples", "default", "required")
            ]


SCHEMAS = schemas()
TESTS = set(keys(DocumentOfTests.model_json_schema(), DocumentOfTests.model_json_schema()))


def keys_of(name: str) -> set[str]:
    schema = SCHEMAS[name]
    return set(keys(schema.get("of", schema), schema))


def said_of(name: str) -> str:
    """What the reference says of a section, with what it links to."""
    found = section(PAGE, "The document") if name not in headings(text_of(PAGE)) else section(PAGE, name)
    for paragraph in text_of(PAGE).split("\n\n"):
        if paragraph.startswith(f"**{name}.**"):
            found += paragraph
    linked = []
    for page, anchor in _LINK.findall(found):
        if page:
            linked.append(text_of(f"docs/{page}"))
        elif anchor in headings(text_of(PAGE)):
            linked.append(section(PAGE, anchor))
    return "\n".join([found, *linked])


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_of_a_section_is_documented_with_it(name: str) -> None:
    code = " ".join(_CODE.findall(said_of(name)))
    missing = {key for key in {name, *keys_of(name)} if not re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", code)}

    assert missing == set(), f"{PAGE}, section {name}, does not say: {', '.join(sorted(missing))}"


def test_every_key_of_a_file_of_tests_is_documented() -> None:
    said = " ".join(_CODE.findall(text_of("docs/policy-tests.md") + section(PAGE, "What `explain` is given")))

    assert {key for key in TESTS if not re.search(rf"\b{key}\b", said)} == set(), "docs/policy-tests.md"


def test_every_key_that_explain_is_given_is_documented() -> None:
    said = " ".join(_CODE.findall(section(PAGE, "What `explain` is given")))
    schema = SimulationInput.model_json_schema()

    assert {key for key in schema["properties"] if not re.search(rf"\b{key}\b", said)} == set(), PAGE


def test_no_table_names_a_key_that_there_is_not() -> None:
    policy = {key for name in SCHEMAS for key in (name, *keys_of(name))}
    checked = 0
    for file in sorted((ROOT / "docs").glob("*.md")):
        page = f"docs/{file.name}"
        there = policy | TESTS if page == "docs/policy-tests.md" else policy
        for row in rows(text_of(page), page, "key"):
            for key in row.first if "means" in row.head else ():
                assert re.split(r"[.:\[ ]", key)[-1] in there or key in there, f"{page}: `{key}` is no key"
                checked += 1

    assert checked > 50


def test_the_list_of_every_key_is_as_the_models_are() -> None:
    assert policy_reference.PAGE.read_text("utf-8") == policy_reference.page(), (
        "python -m tests.docs.policy_reference --write"
    )
