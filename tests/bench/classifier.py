"""Trains and measures the classifier of task_routing: `python -m tests.bench.classifier`; `--write` keeps the result.

Learned from: tests/data/task_prompts.jsonl (labelled prompts, each with its source and licence) and, with less weight,
tests/data/task_seeds.yaml (our own). A multinomial logistic regression with a ridge, by numpy alone, always the same
for the same data. Measured by cross-validation in which near-duplicates stay together; seeds are never measured by.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import yaml

from governance_plugins.task_routing import classifier
from governance_plugins.task_routing.features import features

DATA = Path(__file__).resolve().parents[1] / "data"
TASKS = ("analysis", "code", "creative", "general", "reasoning")
# By cross-validation; flat around these values.
RIDGE = 2.0
SEED_WEIGHT = 0.6
LEAST_PROMPTS = 2
UNITS = 4096
ROUNDS = 600


def labelled() -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / "task_prompts.jsonl").read_text("utf-8").splitlines()]


def seeds() -> list[tuple[str, str]]:
    given = yaml.safe_load((DATA / "task_seeds.yaml").read_text("utf-8"))
    return [(str(prompt), task) for task, prompts in given.items() for prompt in prompts]


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


class Design:
    """All prompts as one matrix, turned into as few columns as it has rows: a ridge does not tell the difference."""

    def __init__(self, prompts: Sequence[str]) -> None:
        seen = [features(prompt) for prompt in prompts]
        counts = Counter(name for each in seen for name in each)
        self.names = sorted(name for name, count in counts.items() if count >= LEAST_PROMPTS)
        column = {name: i for i, name in enumerate(self.names)}
        full = np.zeros((len(prompts), len(self.names)))
        for row, each in enumerate(seen):
            for name, amount in each.items():
                if name in column:
                    full[row, column[name]] = amount
        left, singular, self.turned = np.linalg.svd(full, full_matrices=False)
        self.rows = left * singular


def fit(rows: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and intercepts; rare classes count as much as frequent ones. Nesterov's accelerated descent."""
    frequency = np.bincount(labels, minlength=len(TASKS))
    weights = weights * len(labels) / (len(TASKS) * frequency[labels])
    rows = np.hstack([rows, np.ones((len(rows), 1))])
    ridge = np.append(np.full(rows.shape[1] - 1, RIDGE), 1e-3)[:, None]
    wanted = np.eye(len(TASKS))[labels]
    steepest = 0.5 * np.linalg.norm(rows * np.sqrt(weights)[:, None], 2) ** 2 + RIDGE
    current = ahead = np.zeros((rows.shape[1], len(TASKS)))
    for i in range(ROUNDS):
        slope = rows.T @ (weights[:, None] * (chances(rows @ ahead) - wanted)) + ridge * ahead
        step = ahead - slope / steepest
        ahead = step + i / (i + 3) * (step - current)
        current = step
    return current[:-1], current[-1]


def chances(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


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


def verdicts(scores: np.ndarray) -> list[str]:
    """As the classifier decides: what is unsure is general."""
    sure = chances(scores)
    best = sure.argmax(axis=1)
    return [TASKS[k] if sure[i, k] >= classifier.LEAST_CONFIDENCE else classifier.UNSURE for i, k in enumerate(best)]


def scores(wanted: Sequence[str], found: Sequence[str]) -> tuple[float, float, dict[str, float]]:
    """Accuracy, macro-F1, and F1 of each class that occurs."""
    of_class = {}
    for task in sorted(set(wanted)):
        both = sum(w == f == task for w, f in zip(wanted, found, strict=True))
        of_class[task] = 2 * both / (wanted.count(task) + list(found).count(task))
    hits = sum(w == f for w, f in zip(wanted, found, strict=True))
    return hits / len(wanted), sum(of_class.values()) / len(of_class), of_class


def cross_validated(design: Design, wanted: list[str], parts: Sequence[np.ndarray]) -> Iterator[tuple[list[str], ...]]:
    """For each division into parts, the labels and what a model that never saw the part says of it."""
    labels = np.array([TASKS.index(task) for task in wanted])
    own = np.arange(len(wanted)) < len(wanted) - len(seeds())
    weights = np.where(own, 1.0, SEED_WEIGHT)
    for part in parts:
        found = [""] * len(part)
        for k in sorted(set(part.tolist())):
            held = np.append(part == k, np.zeros(len(wanted) - len(part), dtype=bool))
            coefficients, intercepts = fit(design.rows[~held], labels[~held], weights[~held])
            for i, verdict in zip(
                np.flatnonzero(held), verdicts(design.rows[held] @ coefficients + intercepts), strict=True
            ):
                found[i] = verdict
        yield [wanted[i] for i in range(len(part))], found


def train(design: Design, wanted: list[str]) -> dict[str, object]:
    """The weights as the classifier reads them."""
    labels = np.array([TASKS.index(task) for task in wanted])
    weights = np.where(np.arange(len(wanted)) < len(wanted) - len(seeds()), 1.0, SEED_WEIGHT)
    turned, intercepts = fit(design.rows, labels, weights)
    coefficients = np.rint((design.turned.T @ turned) * UNITS).astype(int)
    rows = {name: row.tolist() for name, row in zip(design.names, coefficients, strict=True)}
    return {
        "tasks": list(TASKS),
        "unit": 1 / UNITS,
        "intercepts": [round(float(intercept), 4) for intercept in intercepts],
        "rows": {name: row for name, row in rows.items() if max(map(abs, row)) > UNITS // 200},
    }


def write(weights: dict[str, object], file: Path) -> None:
    """JSON with a line for each feature, so that changes can be read."""
    head = ",\n".join(f"{json.dumps(key)}: {json.dumps(weights[key])}" for key in ("tasks", "unit", "intercepts"))
    rows = ",\n".join(
        f"{json.dumps(name, ensure_ascii=False)}:{json.dumps(row, separators=(',', ':'))}"
        for name, row in weights["rows"].items()  # type: ignore[attr-defined]
    )
    file.write_text(f'{{{head},\n"rows": {{\n{rows}\n}}}}\n', "utf-8")


def latency() -> Iterator[str]:
    prose = "Please compare these two ways to cook rice, and say which one is better for a family of four. "
    code = "def total(rows):\n    return sum(row['price'] * row['count'] for row in rows if row_is_valid(row))\n"
    for length in (10, 100, 1_000, 10_000, 1_000_000, 20_000_000):
        for kind, text in (("prose", prose), ("code", code), ("Chinese", "请写一个函数来计算两个矩阵的乘积并解释。")):
            prompt = (text * (length // len(text) + 1))[:length]
            taken = []
            for _ in range(300):
                began = time.perf_counter_ns()
                classifier.classify(prompt)
                taken.append((time.perf_counter_ns() - began) / 1000)
            taken.sort()
            yield f"  {length:>10,} characters of {kind:8} p50 {taken[150]:6.0f} us   p99 {taken[297]:6.0f} us"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the weights of the plugin")
    options = parser.parse_args()
    prompts = labelled()
    texts, own = [each["prompt"] for each in prompts], [each["label"] for each in prompts]
    design = Design([*texts, *(prompt for prompt, _ in seeds())])
    wanted = [*own, *(task for _, task in seeds())]
    if options.write:
        weights = train(design, wanted)
        write(weights, classifier.WEIGHTS)
        print(f"{len(weights['rows']):,} features, {classifier.WEIGHTS.stat().st_size / 1024:.0f} KiB")  # type: ignore[arg-type]
    family = families(texts)
    print(f"{len(own)} prompts in {len(set(family))} families, {len(seeds())} seeds")
    runs = [scores(*run) for run in cross_validated(design, wanted, [folds(own, family, seed) for seed in range(5)])]
    accuracy, macro = np.array([run[0] for run in runs]), np.array([run[1] for run in runs])
    print("five folds, five times over, mean and deviation:")
    print(f"  accuracy {accuracy.mean():.3f} ± {accuracy.std():.3f}   macro-F1 {macro.mean():.3f} ± {macro.std():.3f}")
    for task in TASKS:
        print(f"  {task:10} F1 {np.mean([run[2][task] for run in runs]):.3f}")
    sources = [each["source"] for each in prompts]
    part = np.array([sorted(set(sources)).index(source) for source in sources])
    ((_, found),) = cross_validated(design, wanted, [part])
    print("each source by a model that saw none of it:")
    for source in sorted(set(sources)):
        rows = [i for i, each in enumerate(sources) if each == source]
        accuracy_, macro_, _ = scores([own[i] for i in rows], [found[i] for i in rows])
        print(f"  {source:32} {len(rows):3} prompts   accuracy {accuracy_:.3f}   macro-F1 {macro_:.3f}")
    print("latency:")
    for line in latency():
        print(line)


if __name__ == "__main__":
    main()
