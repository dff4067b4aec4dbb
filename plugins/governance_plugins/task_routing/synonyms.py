"""Other words that people have for the profiles and the tasks."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

# Each means what it stands for unless the policy has a profile or task of this very name.
PROFILES: Final = {
    **dict.fromkeys(("economy", "economic", "economical", "cheap", "budget", "low-cost", "saver"), "eco"),
    **dict.fromkeys(("balance", "standard", "default", "normal", "medium"), "balanced"),
    **dict.fromkeys(("pro", "quality", "best", "high-quality", "max"), "premium"),
}
TASKS: Final = {
    **dict.fromkeys(("coding", "coder", "programming", "development", "debugging", "sql"), "code"),
    **dict.fromkeys(("chat", "conversation", "default", "other", "misc"), "general"),
    **dict.fromkeys(("quick", "simple", "trivial", "greeting", "short"), "fast"),
    **dict.fromkeys(("writing", "creativity", "story", "brainstorm", "brainstorming"), "creative"),
    **dict.fromkeys(("analyze", "analyse", "analytics", "analytical", "summarize", "summary", "research"), "analysis"),
    **dict.fromkeys(("reason", "math", "maths", "mathematics", "logic", "thinking"), "reasoning"),
}
_LEAST_LIKE: Final = 0.6


def meant(word: str, also: dict[str, str], known: Sequence[str]) -> str:
    """The known word that this one stands for; itself where it stands for none."""
    stands_for = also.get(word)
    return word if word in known or stands_for not in known else stands_for or word


def nearest(word: str, known: Sequence[str]) -> str:
    """`, did you mean …?` where one of the known words is much like this one, else nothing."""
    close = difflib.get_close_matches(word[:40], known, n=1, cutoff=_LEAST_LIKE)
    return f", did you mean `{close[0]}`?" if close else ""
