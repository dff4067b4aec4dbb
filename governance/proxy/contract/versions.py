"""Which LiteLLM this is, which ones governance was tested with, and how to say that one will not do."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Final

from governance.model.errors import GovernanceError

# The newest of each line that passes every end-to-end test.
TESTED: Final = ("1.106.12", "1.108.14", "1.109.3", "1.110.2")
OLDEST: Final = (1, 106)
NEWEST: Final = (1, 110)


def installed() -> str:
    """The version of LiteLLM here."""
    return version("litellm")


def line_of(told: str) -> tuple[int, ...]:
    """`1.110.2` is of the line (1, 110)."""
    return tuple(int(part) for part in re.findall(r"\d+", told)[:2])


def check_version(told: str) -> None:
    """Refuse a LiteLLM that is too old. A newer one than those tested may serve: its probes decide.

    Raises:
        GovernanceError: says which one is installed and which would do.
    """
    if line_of(told) < OLDEST:
        raise GovernanceError(f"LiteLLM {told} is too old for governance; {what_to_install()}")


def untested(told: str) -> str | None:
    """What to say of a version that is newer than those tested; None where there is nothing to say."""
    if line_of(told) <= NEWEST:
        return None
    return (
        f"LiteLLM {told} is newer than those that governance was tested with ({', '.join(TESTED)}); its probes passed"
    )


def what_to_install() -> str:
    """The way out of a LiteLLM that will not do."""
    return f"install litellm=={TESTED[-1]} (tested: {', '.join(TESTED)})"


def breach(told: str, differences: list[str]) -> str:
    """One sentence for all that differs."""
    return f"LiteLLM {told} is not as governance relies on: {', and '.join(differences)}; {what_to_install()}"
