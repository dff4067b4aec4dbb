"""docs/operations.md says of each alert what it means and what to do, with commands that there are."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.deploy.facts import is_typed
from tests.docs.pages import CODE, ROOT, Row, rows, same, section

PAGE = "docs/operations.md"
ROWS = {row.first[0]: row for row in rows(section(PAGE, "Alerts"), PAGE, "alert")}
RULES = {
    rule["alert"]: rule
    for group in yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
}


def test_every_alert_has_a_row() -> None:
    same(set(ROWS), set(RULES), PAGE)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_says_how_bad_it_is_what_it_comes_from_and_what_to_do(row: Row) -> None:
    assert row.cell("severity") == RULES[row.first[0]]["labels"]["severity"]
    assert len(row.cell("cause").split()) > 5
    assert len(row.cell("do").split()) > 5


def test_what_is_to_be_typed_is_a_verb_of_the_command() -> None:
    typed = [code for row in ROWS.values() for code in CODE.findall(row.cell("do")) if code.startswith("governance ")]
    assert len(typed) > 8

    for command in typed:
        is_typed(re.sub(r" [A-Z]+$", "", command).removeprefix("governance ").split())
