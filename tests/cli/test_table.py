"""Tables as people get them: on terminals of any width, and in pipes."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from governance.cli.table import Table

LONG = "hosted_vllm/an-organisation/a-model-with-a-name-that-is-longer-than-any-terminal-would-ever-be-wide-enough-for"


def table(*rows: tuple[str, ...], folds_names: bool = False) -> Table:
    made = Table("model", "in $/1M", "why", names=("model",), numbers=("in $/1M",), folds_names=folds_names)
    for row in rows:
        made.add(*row)
    return made


def shown(made: Table, width: int, *, terminal: bool = True) -> list[str]:
    out = StringIO()
    Console(file=out, width=width, force_terminal=terminal, no_color=True, highlight=False).print(made, crop=False)
    return out.getvalue().replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "").splitlines()


def test_what_fits_is_a_line_for_each_row_and_numbers_are_aligned_to_the_right() -> None:
    assert shown(table(("a/b", "1,000", "x"), ("c/long-name", "3", "y z")), 80) == [
        "model        in $/1M  why",
        "a/b            1,000  x",
        "c/long-name        3  y z",
    ]


def test_in_a_pipe_nothing_is_folded_whatever_the_width() -> None:
    sentence = "so many words that no terminal has room for all of them " * 3
    lines = shown(table((LONG, "1", sentence.strip())), 20, terminal=False)

    assert lines[1] == f"{LONG}        1  {sentence.strip()}"
    assert len(lines) == 2


def test_sentences_are_folded_between_words_before_anything_else() -> None:
    lines = shown(table(("a/model-name", "1", "several words that do not fit at all")), 48)

    assert lines[1].startswith("a/model-name")
    assert " ".join(" ".join(line[23:].split()) for line in lines[1:]) == "several words that do not fit at all"
    assert max(map(len, lines)) <= 48


@pytest.mark.parametrize("width", [10, 40, 80, 119])
def test_a_name_is_in_one_piece_on_every_terminal(width: int) -> None:
    lines = shown(table((LONG, "1,000", "some words about it, and openai/gpt-4o"), ("a/b", "2", "")), width)

    assert LONG in [line.split("  ")[0].rstrip() for line in lines]
    assert "a/b" in [line.split("  ")[0].rstrip() for line in lines]
    assert "1,000" in "".join(lines)


def test_a_row_without_room_for_its_names_is_a_paragraph_with_its_headings() -> None:
    assert shown(table((LONG, "1,000", "some words"), ("a/b", "2", "")), 40) == [
        LONG,
        "  in $/1M 1,000 · why some words",
        "a/b",
        "  in $/1M 2",
    ]


def test_no_value_of_a_paragraph_is_broken_while_it_would_fit_on_a_line() -> None:
    made = Table("model", "", "limit", "left", "resets", names=("model",))
    made.add(LONG, "a value that is", "of several words", "and another", "in 4 min 12 s")

    assert shown(made, 40) == [
        LONG,
        "  a value that is",
        "  limit of several words",
        "  left and another",
        "  resets in 4 min 12 s",
    ]


def test_no_word_of_a_sentence_is_broken_while_it_would_fit_on_a_line() -> None:
    lines = shown(table(("a/b", "1", "because openai/gpt-4o-mini-2024-07-18 is full")), 40)

    assert any("openai/gpt-4o-mini-2024-07-18" in line for line in lines)


def test_what_is_drawn_again_has_no_line_that_is_longer_than_the_terminal() -> None:
    lines = shown(table((LONG, "1", "why not"), folds_names=True), 40)

    assert max(map(len, lines)) <= 40
    assert "".join(lines).startswith(LONG)


def test_what_would_steer_a_terminal_is_spelled_out() -> None:
    assert "\\x1b[31mred [bold]not markup" in "\n".join(shown(table(("a", "1", "\x1b[31mred [bold]not markup")), 80))
