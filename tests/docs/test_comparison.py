"""docs/comparison.md: what it says that we measured stands where it says, and what it says of others has a source."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import Row, headings, rows, section, text_of

PAGE = "docs/comparison.md"
MEASURED = list(rows(section(PAGE, "What was measured here"), PAGE, "figure"))
OTHERS = ("LiteLLM", "Bifrost", "Portkey", "TensorZero", "Cloudflare", "Kong")


@pytest.mark.parametrize("row", MEASURED, ids=[row.cells[0][:40] for row in MEASURED])
def test_a_figure_stands_on_the_page_that_it_is_from(row: Row) -> None:
    (page,) = re.findall(r"\]\(([\w.-]+\.md)", row.cell("where"))
    said = text_of(f"docs/{page}")

    for figure in re.findall(r"\d[\d,.]*\d|\d", row.cell("figure")):
        assert re.search(rf"(?<![\d,.]){re.escape(figure)}(?![\d])", said), f"docs/{page} does not say {figure}"


def test_what_is_said_of_each_of_the_others_has_a_source() -> None:
    said = [row for heading in headings(text_of(PAGE))[1:4] for row in rows(section(PAGE, heading), PAGE)]

    for name in OTHERS:
        of_it = [cell for row in said if row.cells[0].startswith(name) for cell in row.cells[1:]]
        of_it += [row.cell(name) for row in said if name in row.head]
        assert sum("](https://" in cell for cell in of_it) >= 1, name


def test_it_says_of_which_day_it_is() -> None:
    assert re.search(r"as of \d+ \w+ 20\d\d", text_of(PAGE))
