"""What a caller writes cannot end a line, move a cursor or hide in one."""

import pytest

from governance.model.printable import printable


@pytest.mark.parametrize("text", ["gpt-4o", "Größe 10 €", ""])
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", "a\\nb"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("\x85\x9b", "\\x85\\x9b"),
    ],
)
def test_what_would_steer_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(text).isprintable()
