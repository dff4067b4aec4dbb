"""What a provider keeps of a conversation, and where: only the account that has it can go on with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that a request refers to and that one account of a provider has.

    Args:
        what: as the caller knows it: `previous_response_id`, `encrypted reasoning`, `container`, `file`.
        deployment: LiteLLM's id of the deployment that made it; "" where a name tells.
        name: what LiteLLM was asked for when it was made; any deployment behind that name may have it.
    """

    what: str
    deployment: str = ""
    name: str = ""
