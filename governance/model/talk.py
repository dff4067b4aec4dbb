"""What a user has said in a conversation so far, and what the conversation is equipped with."""

from __future__ import annotations

from typing import Final, NamedTuple


class Talk(NamedTuple):
    """The user's side of a conversation.

    Args:
        turns: what the user said, the last first, of long ones the beginning and the end. What no person typed is
            left out: tools' results, reminders of the client, commands to it.
        first: whether the last of `turns` is the first of the conversation; it may stand far from the one before it.
        tools: names of the tools that are given, in lower case.
        calling: tools were called for, and the model has not answered since.
    """

    turns: tuple[str, ...] = ()
    first: bool = False
    tools: tuple[str, ...] = ()
    calling: bool = False


NO_TALK: Final = Talk()
