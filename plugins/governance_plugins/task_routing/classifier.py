"""The classifier `heuristic`: a linear model over words and shapes, in plain Python.

Its weights were learned from labelled prompts (`tests/data/README.md`), and such that its confidence is the share of
hits on prompts that it did not see. `make classifier` makes them anew and measures them.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

from governance.model.classification import Classification
from governance_plugins.task_routing.features import features
from governance_plugins.task_routing.lexicon import GROUPS_OF
from governance_plugins.task_routing.words import excerpt, stem, words

WEIGHTS: Final = Path(__file__).with_name("weights.json")
# Below this, the best guess is hardly better than the next one.
LEAST_CONFIDENCE: Final = 0.4
_MOST_SIGNALS: Final = 4
_LEAST_SIGNAL: Final = 0.05
_LONGEST_GREETING: Final = 4
_LONGEST_ASKING_BACK: Final = 12
UNSURE: Final = "general"
_WORD: Final = "word"
_VOCABULARY: Final = "vocabulary"
# Features that every text has.
_SAY_NOTHING: Final = ("shape length", "shape ends", "shape beyond ascii", "shape lines")


class Weights(NamedTuple):
    """A linear model: one row of whole numbers for each feature, one column for each task, in units of `unit`."""

    tasks: tuple[str, ...]
    unit: float
    intercepts: tuple[float, ...]
    rows: dict[str, tuple[int, ...]]

    @classmethod
    def read(cls) -> Weights:
        """The weights that travel with this plugin."""
        data = json.loads(WEIGHTS.read_text("utf-8"))
        rows = {name: tuple(row) for name, row in data["rows"].items()}
        return cls(tuple(data["tasks"]), data["unit"], tuple(data["intercepts"]), rows)


# Read when a policy names the classifier, so that no request waits for it.
_WEIGHTS: Final = Weights.read()


def _told(feature: str) -> str:
    kind, _, name = feature.partition(" ")
    return name if kind == "shape" else f"words of {name}"


# How each feature is told, and what it says for a task on average.
_SAYS: Final = {name: (_told(name), sum(row) / len(row)) for name, row in _WEIGHTS.rows.items() if name[:4] != _WORD}


def classify(text: str) -> Classification:
    """What a prompt asks for: code, creative, analysis, reasoning, general, or fast where it needs no thought."""
    if not text:
        return Classification(UNSURE, 0.0, ("no text",))
    if _is_greeting(text):
        return Classification("fast", 0.95, ("greeting",))
    if _asks_back(text):
        return Classification(UNSURE, 0.5, ("one word that asks",))
    if len(text) > 6 and text.startswith("```") and text.endswith("```"):
        return Classification("code", 0.9, ("nothing but a code fence",))
    weights = _WEIGHTS
    spoke = _Spoken(weights)
    for name, amount in features(text).items():
        row = weights.rows.get(name)
        if row:
            spoke.add(name, amount, row)
    scores = spoke.scores()
    top = max(scores)
    chances = [math.exp(score - top) for score in scores]
    best = scores.index(top)
    confidence = chances[best] / sum(chances)
    signals = spoke.for_task(best)
    if spoke.nothing:
        # Sizes alone would take every unknown word for a short turn.
        confidence = min(confidence, LEAST_CONFIDENCE / 2)
    if confidence < LEAST_CONFIDENCE:
        return Classification(UNSURE, confidence, (f"unsure, at best {weights.tasks[best]}", *signals))
    return Classification(weights.tasks[best], confidence, signals)


def _asks_back(text: str) -> bool:
    return len(text) <= _LONGEST_ASKING_BACK and text.endswith("?") and len(words(text)) == 1


def _is_greeting(text: str) -> bool:
    if len(text) > 60:
        return False
    said = [stem(word) for word in words(excerpt(text))]
    return 0 < len(said) <= _LONGEST_GREETING and all("greeting" in GROUPS_OF.get(word, ()) for word in said)


class _Spoken:
    """The features of a text that have a weight. Single words count together: they are the caller's own."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        # Most features are words, and many weigh the same: their columns are added up first.
        self._words: defaultdict[float, list[tuple[int, ...]]] = defaultdict(list)
        self._others: list[tuple[str, float, tuple[int, ...]]] = []
        self.nothing = True

    def add(self, name: str, amount: float, row: tuple[int, ...]) -> None:
        if name[:4] == _WORD:
            self._words[amount].append(row)
            self.nothing = False
        else:
            self._others.append((name, amount, row))
            self.nothing = self.nothing and name.startswith(_SAY_NOTHING)

    def scores(self) -> list[float]:
        """For each task."""
        unit = self._weights.unit
        self._vocabulary = [0.0] * len(self._weights.tasks)
        for amount, rows in self._words.items():
            for i, column in enumerate(zip(*rows, strict=True)):
                self._vocabulary[i] += amount * unit * sum(column)
        found = [own + said for own, said in zip(self._weights.intercepts, self._vocabulary, strict=True)]
        for _, amount, row in self._others:
            for i, said in enumerate(row):
                found[i] += amount * unit * said
        return found

    def for_task(self, best: int) -> tuple[str, ...]:
        """What spoke for a task more than for the others, the strongest first."""
        spoke = {_VOCABULARY: self._vocabulary[best] - sum(self._vocabulary) / len(self._vocabulary)}
        for name, amount, row in self._others:
            told, average = _SAYS[name]
            spoke[told] = spoke.get(told, 0.0) + amount * self._weights.unit * (row[best] - average)
        strongest = sorted(spoke, key=lambda name: -spoke[name])[:_MOST_SIGNALS]
        return tuple(name for name in strongest if spoke[name] > _LEAST_SIGNAL)
