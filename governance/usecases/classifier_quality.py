"""How good a classifier is on labelled prompts, how sure that is, and whether its confidence means what it says."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

# Two standard deviations of a normal distribution hold 95 of a hundred.
_Z: Final = 1.96
_RESAMPLES: Final = 1000
_BINS: Final = 10


def measure(wanted: Sequence[str], found: Sequence[str], also: Sequence[Collection[str]] = ()) -> dict[str, Any]:
    """Accuracy, macro-F1 over the classes that occur, precision, recall and F1 of each, and what was taken for what.

    Each share has the interval that holds its true value in 95 of 100 cases: Wilson's for accuracy, precision and
    recall, by 1,000 resamples for macro-F1.

    Args:
        also: for each prompt other labels that are right too; who finds one of them counts as if it were the label.
    """
    wanted = [_right(*each) for each in zip(wanted, found, also or [()] * len(found), strict=True)]
    confusion = Counter(zip(wanted, found, strict=True))
    names = sorted({*wanted, *found})
    hits = sum(count for (label, said), count in confusion.items() if label == said)
    return {
        "prompts": len(wanted),
        "accuracy": hits / len(wanted),
        "accuracy_interval": wilson(hits, len(wanted)),
        "macro_f1": _macro(confusion),
        "macro_f1_interval": _resampled(confusion),
        "classes": {name: _of_class(confusion, name) for name in names},
        "confusion": {label: {other: confusion[label, other] for other in names} for label in names},
    }


def calibration(right: Sequence[bool], confidence: Sequence[float]) -> dict[str, Any]:
    """Whether so many are right as the confidence says: by tenths, and the mean distance (expected calibration error).

    Each tenth that has any: from which confidence, how many, their mean confidence, the share that is right.
    """
    tenths: dict[int, list[int]] = {}
    for i, sure in enumerate(confidence):
        tenths.setdefault(min(_BINS - 1, int(sure * _BINS)), []).append(i)
    table = [
        {
            "from": tenth / _BINS,
            "prompts": len(rows),
            "confidence": sum(confidence[i] for i in rows) / len(rows),
            "right": sum(right[i] for i in rows) / len(rows),
        }
        for tenth, rows in sorted(tenths.items())
    ]
    distance = sum(each["prompts"] * abs(each["confidence"] - each["right"]) for each in table)
    return {"expected_error": distance / len(confidence), "table": table}


def thresholds(right: Sequence[bool], confidence: Sequence[float]) -> list[dict[str, float]]:
    """For each threshold that a policy may set: which share of prompts is at least so sure, and how many are right."""
    told = []
    for tenth in range(3, 10):
        sure = [hit for hit, each in zip(right, confidence, strict=True) if each >= tenth / 10]
        if sure:
            told.append({"at_least": tenth / 10, "share": len(sure) / len(right), "right": sum(sure) / len(sure)})
    return told


def wilson(hits: int, of: int) -> list[float]:
    """The interval of a share of `of` at 95 %; from 0 to 1 where there is nothing to say it by."""
    if not of:
        return [0.0, 1.0]
    share, square = hits / of, _Z * _Z / of
    middle = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * math.sqrt(share * (1 - share) / of + square / (4 * of))
    return [max(0.0, middle - half), min(1.0, middle + half)]


def _right(label: str, found: str, also: Collection[str]) -> str:
    return found if found in also else label


def _of_class(confusion: Mapping[tuple[str, str], int], name: str) -> dict[str, Any]:
    hits = confusion[name, name]
    support = sum(count for (label, _), count in confusion.items() if label == name)
    said = sum(count for (_, found), count in confusion.items() if found == name)
    return {
        "precision": hits / said if said else 0.0,
        "precision_interval": wilson(hits, said),
        "recall": hits / support if support else 0.0,
        "recall_interval": wilson(hits, support),
        "f1": 2 * hits / (support + said),
        "support": support,
    }


def _macro(confusion: Mapping[tuple[str, str], int]) -> float:
    support: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for (label, found), count in confusion.items():
        support[label] += count
        said[found] += count
    return sum(2 * confusion.get((name, name), 0) / (count + said[name]) for name, count in support.items()) / len(
        support
    )


def _resampled(confusion: Mapping[tuple[str, str], int]) -> list[float]:
    """Where macro-F1 lies in 95 of 100 samples of as many prompts, drawn from these with the same seed each time."""
    draw = random.Random(0)  # noqa: S311 - samples, no secret
    pairs, counts = list(confusion), list(confusion.values())
    drawn = sorted(_macro(Counter(draw.choices(pairs, counts, k=sum(counts)))) for _ in range(_RESAMPLES))
    return [drawn[_RESAMPLES * 25 // 1000], drawn[_RESAMPLES * 975 // 1000 - 1]]
