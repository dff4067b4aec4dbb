"""What the classifier of task_routing learns from, and how it is divided to measure it: `tests/data/README.md`."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[1] / "data"
TASKS = ("analysis", "code", "creative", "fast", "general", "reasoning")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A labelled prompt; `also`: labels that are right too; `source`: where it is from, or which kind of ours it is."""

    text: str
    label: str
    also: tuple[str, ...]
    source: str
    own: bool


def collected() -> list[Prompt]:
    """Prompts that others wrote, labelled anew by the definitions."""
    return [
        Prompt(row["prompt"], row["label"], tuple(row["also_ok"]), row["source"], False)
        for row in rows("task_prompts.jsonl")
    ]


def seeds() -> list[Prompt]:
    """Prompts of our own. Their source is their kind, and the language where it is not English."""
    found = []
    for row in rows("task_seeds.jsonl"):
        source = row["source"] if row["lang"] in ("en", "xx") else f"{row['source']}, {row['lang']}"
        found.append(Prompt(row["prompt"], row["label"], (), source, True))
    return found


def rows(name: str) -> list[dict[str, str]]:
    """Every line of a file of the folder of data."""
    # Not splitlines: it also breaks at characters that JSON texts may hold.
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").split("\n") if line]


def families(prompts: Sequence[str]) -> list[int]:
    """The same number for prompts that share half of their three-word runs: they must not be split by a fold."""
    runs = []
    for prompt in prompts:
        words = re.findall(r"\w+", prompt.lower())
        runs.append({tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))})
    family = list(range(len(prompts)))
    for i, own in enumerate(runs):
        for j in range(i):
            if 2 * len(own & runs[j]) >= min(len(own), len(runs[j])):
                old, new = family[i], family[j]
                family = [new if member == old else member for member in family]
    return family


def folds(labels: Sequence[str], family: Sequence[int], seed: int, count: int = 5) -> np.ndarray:
    """A fold for each prompt: families together, each class spread evenly."""
    random = np.random.default_rng(seed)
    members = defaultdict(list)
    for i, number in enumerate(family):
        members[number].append(i)
    fold = np.zeros(len(labels), dtype=int)
    filled: Counter[tuple[int, str]] = Counter()
    for number in random.permutation(list(members)):
        rows = members[int(number)]
        chosen = min(range(count), key=lambda k: (filled[k, labels[rows[0]]], random.random()))
        for row in rows:
            fold[row] = chosen
            filled[chosen, labels[row]] += 1
    return fold


def by_source(sources: Sequence[str], most: int = 12) -> np.ndarray:
    """A fold for each prompt in which whole sources are held out; with many sources, some share a fold."""
    names = sorted(set(sources))
    return np.array([names.index(source) % most for source in sources])
