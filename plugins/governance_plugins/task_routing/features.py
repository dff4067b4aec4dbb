"""What the classifier sees of a prompt: its words, their neighbours, groups of words, and its shapes."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, pairwise
from typing import Final

from governance_plugins.task_routing.lexicon import GROUPS_OF
from governance_plugins.task_routing.shapes import shapes
from governance_plugins.task_routing.words import excerpt, stem, words

_OPENING_WORDS: Final = 10
_MOST_WORDS: Final = 300
# How far each kind of feature may sway a verdict; by cross-validation.
_OF_WORDS: Final = 3.0
_OF_GROUPS: Final = 0.4
_OF_SHAPES: Final = 0.4
_OF_FIRST_WORDS: Final = 0.3
# Groups that mean another thing together: a poem is written or asked about, a script is for a shell or a stage.
_TOGETHER: Final = ("analyse", "build", "code", "compose", "enquiry", "language", "mathematics", "prose", "verse")


def features(prompt: str) -> dict[str, float]:
    """Kind and name of each feature (`word python`, `group code`, `shape code fence`), and how much of it there is."""
    text = excerpt(prompt)
    spoken = words(text)
    if len(spoken) > _MOST_WORDS:
        # Pairs of characters are as many as characters.
        spoken = [*spoken[: _MOST_WORDS // 2], *spoken[-_MOST_WORDS // 2 :]]
    stems = [stem(word) for word in spoken]
    tokens = {*stems, *(f"{a} {b}" for a, b in pairwise(stems))}
    weight = _OF_WORDS / math.sqrt(len(tokens) or 1)
    seen = {f"word {token}": weight for token in tokens}
    for position, word in enumerate(stems[:2]):
        seen[f"word{position} {word}"] = _OF_FIRST_WORDS
    seen |= _groups(stems)
    for shape, amount in shapes(text):
        seen[f"shape {shape}"] = _OF_SHAPES * amount
    return seen


def _groups(stems: list[str]) -> dict[str, float]:
    counts: Counter[str] = Counter()
    opening: set[str] = set()
    for i, word in enumerate(stems):
        for group in GROUPS_OF.get(word, ()):
            counts[group] += 1
            if i < _OPENING_WORDS:
                opening.add(group)
    seen: dict[str, float] = {}
    for group, count in counts.items():
        seen[f"group {group}"] = _OF_GROUPS * math.log1p(count)
        seen[f"share {group}"] = _OF_GROUPS * min(1.0, 4 * count / len(stems))
    for group in opening:
        seen[f"opening {group}"] = _OF_GROUPS
    for a, b in combinations((group for group in _TOGETHER if group in counts), 2):
        seen[f"pair {a}, {b}"] = _OF_GROUPS
    return seen
