"""A value of the environment stands in no message, whatever a library says of it."""

from __future__ import annotations

import pytest

from governance.policy.environment import as_written

SECRET = "hunter2-of-the-operator"


@pytest.mark.parametrize(
    "message",
    [
        f"invalid value {SECRET}",
        "unknown group name 'hunter2-of-the-operator' at position 3",
        "bad escape in HUNTER2-of",
        "unexpected `operator` near it",
        "cannot read hunter2%2Dof",
    ],
)
def test_a_message_with_a_piece_of_a_value_is_made_anew(message: str) -> None:
    told = as_written(message, "redis://h?x=${SECRET}", f"redis://h?x={SECRET}", near=True)

    assert not {SECRET[at : at + 4] for at in range(len(SECRET) - 3)} & {told[at : at + 4] for at in range(len(told))}
    assert "${SECRET}" in told


def test_a_message_of_our_own_stays() -> None:
    message = "must be a whole number, not text"

    assert as_written(message, "${SECRET}", SECRET, near=True) == message
