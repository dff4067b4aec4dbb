"""Trains and measures the classifier of task_routing: `python -m tests.bench.classifier`; `--write` keeps the result.

Measured by cross-validation, never on what a model saw: prompts that others wrote in five folds and by whole sources,
our own by whole kinds. What any of it learns from: tests/data/README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterator, Sequence

import numpy as np

from governance.usecases.classifier_quality import measure
from governance_plugins.task_routing import classifier
from tests.bench.task_data import TASKS, Prompt, by_source, collected, families, folds, seeds
from tests.bench.task_training import SHARP, Design, chances, held_out, sharpness, weights, write


def latency() -> Iterator[str]:
    prose = "Please compare these two ways to cook rice, and say which one is better for a family of four. "
    code = "def total(rows):\n    return sum(row['price'] * row['count'] for row in rows if row_is_valid(row))\n"
    for length in (10, 100, 1_000, 10_000, 1_000_000, 20_000_000):
        for kind, text in (("prose", prose), ("code", code), ("Chinese", "请写一个函数来计算两个矩阵的乘积并解释。")):
            prompt = (text * (length // len(text) + 1))[:length]
            taken = []
            for _ in range(300):
                began = time.thread_time_ns()
                classifier.classify(prompt)
                taken.append((time.thread_time_ns() - began) / 1000)
            taken.sort()
            yield f"  {length:>10,} characters of {kind:8} p50 {taken[150]:6.0f} us   p99 {taken[297]:6.0f} us of CPU"


def told(name: str, prompts: Sequence[Prompt], scores: np.ndarray) -> str:
    """Accuracy and macro-F1: with labels that are right too, and by the first label alone."""
    found = [TASKS[k] for k in scores.argmax(axis=1)]
    lenient = measure([p.label for p in prompts], found, [p.also for p in prompts])
    strict = measure([p.label for p in prompts], found)
    return (
        f"  {name:34} {len(prompts):5,} prompts   accuracy {lenient['accuracy']:.3f}"
        f"   macro-F1 {lenient['macro_f1']:.3f}   first label alone {strict['accuracy']:.3f} / {strict['macro_f1']:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the weights of the plugin")
    options = parser.parse_args()
    theirs, ours = collected(), seeds()
    prompts = [*theirs, *ours]
    design = Design(prompts)
    count = len(theirs)
    labels, sources = [p.label for p in theirs], [p.source for p in theirs]
    family = families([p.text for p in theirs])
    nobody = np.full(len(ours), -1)
    mixed = held_out(design, np.append(folds(labels, family, 0), nobody))[:count]
    apart = held_out(design, np.append(by_source(sources), nobody))[:count]
    kinds = held_out(design, np.append(np.full(count, -1), by_source([p.source for p in ours])))[count:]
    sharp = sharpness(np.vstack([mixed, kinds]), design, np.arange(len(prompts)))
    print(f"{count} prompts in {len(set(family))} families, {len(ours)} of our own, {len(design.names):,} features")
    print("five folds:")
    print(told("all", theirs, mixed))
    print("each source by a model that saw none of it:")
    print(told("all", theirs, apart))
    for source in sorted(set(sources)):
        rows = [i for i, each in enumerate(sources) if each == source]
        print(told(source, [theirs[i] for i in rows], apart[rows]))
    print("our own, whole kinds by models that saw none of them:")
    print(told("all", ours, kinds))
    for source in sorted({p.source for p in ours}):
        rows = [i for i, each in enumerate(ours) if each.source == source]
        print(told(source, [ours[i] for i in rows], kinds[rows]))
    sure = chances(SHARP * mixed).max(axis=1)
    print(f"confidence: {sure.mean():.3f} on average in the five folds; scores times {SHARP}, best times {sharp}")
    if options.write:
        made = weights(design, SHARP)
        write(made, classifier.WEIGHTS)
        written = classifier.WEIGHTS.read_bytes()
        digest = hashlib.sha256(written).hexdigest()
        print(f"{len(made['rows']):,} features, {len(written) / 1024:.0f} KiB, sha256 {digest}")  # type: ignore[arg-type]
    print("latency:")
    for line in latency():
        print(line)


if __name__ == "__main__":
    main()
