"""docs/security.md names modules and tests that are there."""

from __future__ import annotations

import ast

from tests.docs.pages import CODE, ROOT, rows, section, text_of

PAGE = "docs/security.md"


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def test_every_answer_to_an_attack_is_held_by_a_test_that_is_there() -> None:
    table = list(rows(section(PAGE, "Attack and answer"), PAGE, "attack"))
    assert len(table) > 30
    for row in table:
        named = [name.split("::") for name in CODE.findall(row.cell("test"))]
        assert named, f"no test holds: {row.cells[0]}"
        missing = [f"{path}::{test}" for path, test in named if test not in functions_of(path)]

        assert not missing, f"{PAGE}: {row.cells[0]}: {', '.join(missing)}"


def test_every_module_and_its_tests_are_there() -> None:
    table = list(rows(section(PAGE, "What is enforced where"), PAGE, "what"))
    named = [path for row in table for head in ("where", "tests") for path in CODE.findall(row.cell(head))]

    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_it_is_linked_where_people_begin() -> None:
    assert "(docs/security.md)" in text_of("README.md")
    assert "(security.md)" in text_of("docs/operations.md")
