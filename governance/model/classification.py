"""What kind of work a prompt asks for, and the door through which classifiers come.

A classifier is a function from a text to a `Classification`, found under the entry-point group
`governance.classifiers`. It is asked on a request's path: it must be pure, do no I/O, and take less than a millisecond
for a text of any length. What it says of its reasons is recorded, so these must not repeat the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Final, Protocol

from governance.model.errors import GovernanceError

ENTRY_POINTS: Final = "governance.classifiers"


@dataclass(frozen=True, slots=True)
class Classification:
    """What a classifier takes a prompt for.

    Args:
        confidence: from 0 (no idea) to 1.
        signals: what spoke for it, the strongest first; never words of the prompt.
    """

    task: str
    confidence: float
    signals: tuple[str, ...] = ()


class Classifier(Protocol):
    """Says what kind of work a text asks for."""

    def __call__(self, text: str, /) -> Classification: ...


@cache
def classifiers() -> tuple[str, ...]:
    """The names of the installed classifiers."""
    return tuple(sorted({entry.name for entry in entry_points(group=ENTRY_POINTS)}))


@cache
def classifier(name: str) -> Classifier:
    """The installed classifier of this name.

    Raises:
        GovernanceError: there is none, or it cannot be used.
    """
    found = {entry.value: entry for entry in entry_points(group=ENTRY_POINTS) if entry.name == name}
    if not found:
        raise GovernanceError(f"`{name}` is no classifier; installed: {', '.join(classifiers())}")
    if len(found) > 1:
        raise GovernanceError(f"two classifiers are called `{name}`: {' and '.join(found)}")
    (entry,) = found.values()
    try:
        loaded = entry.load()
    except Exception as error:  # a third party's import may raise anything
        raise GovernanceError(f"classifier `{name}` cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(loaded):
        raise GovernanceError(f"classifier `{name}`: {entry.value} must be a function from a text to a Classification")
    usable: Classifier = loaded
    return usable
