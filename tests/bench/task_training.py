"""A multinomial logistic regression with a ridge over sparse features, by numpy alone: the same for the same data.

No matrix library takes part, so that neither threads nor the machine's kernels change a sum.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from governance_plugins.task_routing.features import features
from tests.bench.task_data import TASKS, Prompt

# By cross-validation; flat around these values.
RIDGE = 0.4
SEED_WEIGHT = 0.5
ALSO = 0.3
LEAST_PROMPTS = 2
UNITS = 1024
# So that confidence is the share of hits on prompts not seen; `sharpness` finds it.
SHARP = 1.0
ROUNDS = 120
_MEMORY = 8


class Design:
    """The features of all prompts as a sparse matrix by rows, and what is wanted of each as shares of the tasks."""

    def __init__(self, prompts: Sequence[Prompt]) -> None:
        seen = [features(prompt.text) for prompt in prompts]
        counts = Counter(name for each in seen for name in each)
        self.names = sorted(name for name, count in counts.items() if count >= LEAST_PROMPTS)
        column = {name: i for i, name in enumerate(self.names)}
        rows = [[(column[name], amount) for name, amount in each.items() if name in column] for each in seen]
        self.starts = np.cumsum([0, *map(len, rows)])
        self.columns = np.array([i for row in rows for i, _ in row])
        self.amounts = np.array([amount for row in rows for _, amount in row])
        self.labels = np.array([TASKS.index(prompt.label) for prompt in prompts])
        self.weights = np.array([SEED_WEIGHT if prompt.own else 1.0 for prompt in prompts])
        self.wanted = np.eye(len(TASKS))[self.labels]
        for i, prompt in enumerate(prompts):
            for other in prompt.also:
                share = ALSO / len(prompt.also)
                self.wanted[i, self.labels[i]] -= share
                self.wanted[i, TASKS.index(other)] += share

    def __len__(self) -> int:
        return len(self.labels)

    def scores(self, coefficients: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """What a model says of these rows. The last row of the coefficients are the intercepts."""
        entries, starts, _ = self._of(rows)
        products = self.amounts[entries, None] * coefficients[self.columns[entries]]
        return np.add.reduceat(products, starts) + coefficients[-1]

    def _of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Entries of these rows, where each row begins among them, and which row each belongs to. No row is empty."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        entries = np.concatenate([np.arange(self.starts[row], self.starts[row + 1]) for row in rows])
        starts = np.cumsum([0, *lengths[:-1]])
        return entries, starts, np.repeat(np.arange(len(rows)), lengths)

    def fit(self, rows: np.ndarray) -> np.ndarray:
        """Coefficients, and the intercepts below them; rare classes count as much as frequent ones."""
        frequency = np.bincount(self.labels[rows], weights=self.weights[rows], minlength=len(TASKS))
        weights = self.weights[rows] * self.weights[rows].sum() / (len(TASKS) * frequency[self.labels[rows]])
        entries, starts, owner = self._of(rows)
        columns, amounts, wanted = self.columns[entries], self.amounts[entries], self.wanted[rows]
        ridge = np.append(np.full(len(self.names), RIDGE), 1e-3)[:, None]
        shape = (len(self.names) + 1, len(TASKS))

        def slope(flat: np.ndarray) -> tuple[float, np.ndarray]:
            current = flat.reshape(shape)
            sure = chances(np.add.reduceat(amounts[:, None] * current[columns], starts) + current[-1])
            loss = -(weights[:, None] * wanted * np.log(sure + 1e-300)).sum() + 0.5 * (ridge * current**2).sum()
            errors = weights[:, None] * (sure - wanted)
            found = ridge * current
            for task in range(len(TASKS)):
                found[:-1, task] += np.bincount(columns, amounts * errors[owner, task], minlength=shape[0] - 1)
            found[-1] += errors.sum(axis=0)
            return float(loss), found.ravel()

        return descended(slope, np.zeros(shape[0] * shape[1])).reshape(shape)


def descended(slope: Callable[[np.ndarray], tuple[float, np.ndarray]], at: np.ndarray) -> np.ndarray:
    """Where a smooth convex function is least: L-BFGS with steps that are halved until they lead down."""
    past: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=_MEMORY)
    height, down = slope(at)
    for _ in range(ROUNDS):
        way, shares = down.copy(), []
        for moved, turned, scale in reversed(past):
            share = scale * (moved * way).sum()
            way -= share * turned
            shares.append(share)
        if past:
            moved, turned, scale = past[-1]
            way /= scale * (turned * turned).sum()
        else:
            way /= max(1.0, float(np.sqrt((way * way).sum())))
        for (moved, turned, scale), share in zip(past, reversed(shares), strict=True):
            way += moved * (share - scale * (turned * way).sum())
        gain, step = float((way * down).sum()), 1.0
        while True:
            lower, further = slope(at - step * way)
            if lower <= height - 1e-4 * step * gain or step < 1e-6:
                break
            step /= 2
        moved, turned = -step * way, further - down
        at, down = at + moved, further
        if (moved * turned).sum() > 0:
            past.append((moved, turned, 1 / float((moved * turned).sum())))
        if height - lower < 1e-6 * abs(height):
            break
        height = lower
    return at


def chances(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def held_out(design: Design, parts: np.ndarray) -> np.ndarray:
    """What models that did not see it say of each prompt whose part is not negative."""
    found = np.zeros((len(design), len(TASKS)))
    for part in sorted(set(parts.tolist()) - {-1}):
        held = parts == part
        found[held] = design.scores(design.fit(np.flatnonzero(~held)), np.flatnonzero(held))
    return found


def sharpness(scores: np.ndarray, design: Design, rows: np.ndarray) -> float:
    """By what held-out scores of these rows are to be multiplied so that confidence is the share of hits."""
    tried = [step / 20 for step in range(8, 61)]
    labels = design.labels[rows]

    def surprise(sharp: float) -> float:
        sure = chances(sharp * scores[rows])
        return -float(np.log(sure[np.arange(len(rows)), labels]).mean())

    return min(tried, key=surprise)


def weights(design: Design, sharp: float) -> dict[str, object]:
    """The weights as the classifier reads them."""
    coefficients = sharp * design.fit(np.arange(len(design)))
    rounded = np.rint(coefficients[:-1] * UNITS).astype(int)
    rows = {name: row.tolist() for name, row in zip(design.names, rounded, strict=True)}
    return {
        "tasks": list(TASKS),
        "unit": 1 / UNITS,
        "intercepts": [round(float(intercept), 3) for intercept in coefficients[-1]],
        "rows": {name: row for name, row in rows.items() if max(map(abs, row)) > UNITS // 100},
    }


def write(made: dict[str, object], file: Path) -> None:
    """JSON with a line for each feature, so that changes can be read."""
    head = ",\n".join(f"{json.dumps(key)}: {json.dumps(made[key])}" for key in ("tasks", "unit", "intercepts"))
    rows = ",\n".join(
        f"{json.dumps(name, ensure_ascii=False)}:{json.dumps(row, separators=(',', ':'))}"
        for name, row in made["rows"].items()  # type: ignore[attr-defined]
    )
    file.write_text(f'{{{head},\n"rows": {{\n{rows}\n}}}}\n', "utf-8")
