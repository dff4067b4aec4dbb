"""Labelled prompts as people keep them: one JSON object on each line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from governance.intake.prompt import last_user_text
from governance.model.errors import PolicyError, Problem

NEEDS: Final = 'needs a text "prompt" or a list "messages", and a text "label", as JSON'
ALSO: Final = '"also_ok" must be a label or a list of labels'


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a user said, and which task it is.

    Args:
        text: what a classifier is asked about: of messages, the last that the user said.
        also: other labels that are right too.
    """

    text: str
    label: str
    also: frozenset[str] = frozenset()


def read_labelled(file: Path) -> list[Labelled]:
    """All prompts of a file of JSON lines. Keys that are not known are passed over.

    Raises:
        PolicyError: the file cannot be read, has no prompt, or has lines that are none, each of which is told.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise PolicyError([Problem(str(file), 0, 0, "", f"cannot be read: {reason}")]) from None
    found, problems = [], []
    # Not splitlines: it also breaks at characters that a JSON text may hold, such as U+2028.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        row, wrong = _labelled(line)
        if row is None:
            problems.append(Problem(str(file), number, 1, "", wrong))
        else:
            found.append(row)
    if not found and not problems:
        problems.append(Problem(str(file), 0, 0, "", "holds no prompt"))
    if problems:
        raise PolicyError(problems)
    return found


def _labelled(line: str) -> tuple[Labelled | None, str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None, NEEDS
    if not isinstance(row, dict):
        return None, NEEDS
    said, label = _said(row), row.get("label")
    if said is None or not isinstance(label, str) or not label.strip():
        return None, NEEDS
    also = row.get("also_ok") or []
    also = [also] if isinstance(also, str) else also
    if not isinstance(also, list) or not all(isinstance(each, str) for each in also):
        return None, ALSO
    return Labelled(said, _word(label), frozenset(map(_word, also)) - {_word(label)}), ""


def _said(row: Mapping[str, Any]) -> str | None:
    prompt, messages = row.get("prompt"), row.get("messages")
    if isinstance(prompt, str):
        return last_user_text({"prompt": prompt})
    return last_user_text({"messages": messages}) if isinstance(messages, list) else None


def _word(label: str) -> str:
    return label.strip().lower()
