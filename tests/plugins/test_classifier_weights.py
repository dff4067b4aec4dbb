"""The weights that travel are those that the labelled prompts and today's features give."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np

from governance_plugins.task_routing.classifier import WEIGHTS
from tests.bench.task_data import TASKS, collected, rows, seeds
from tests.bench.task_training import SHARP, UNITS, Design, weights

ANEW = "make classifier"


def test_training_gives_the_weights_that_travel() -> None:
    trained = weights(Design([*collected(), *seeds()]), SHARP)
    kept = json.loads(WEIGHTS.read_text("utf-8"))

    # Another build of numpy rounds otherwise.
    assert kept["tasks"] == list(TASKS)
    both = trained["rows"].keys() & kept["rows"].keys()
    assert len(both) > 0.99 * max(len(trained["rows"]), len(kept["rows"])), ANEW
    far = [n for n in both if np.abs(np.subtract(trained["rows"][n], kept["rows"][n])).max() > UNITS / 50]
    assert far == [], ANEW


def test_every_prompt_of_others_has_its_source_its_licence_and_both_labels_it_was_given() -> None:
    theirs = rows("task_prompts.jsonl")

    assert {row["licence"] for row in theirs} <= {"Apache-2.0", "MIT"}
    assert all(row["source"] and row["source_path"] and row["source_commit"] for row in theirs)
    assert {label for row in theirs for label in (row["label"], *row["also_ok"])} <= set(TASKS)
    assert all(set(row["passes"]) <= {row["label"], *row["also_ok"]} for row in theirs), "no disagreement is lost"


def test_our_own_prompts_are_all_different_and_of_every_task_and_many_languages() -> None:
    ours = seeds()
    texts = [each.text for each in ours] + [each.text for each in collected()]

    assert len(set(texts)) == len(texts)
    assert min(Counter(each.label for each in ours).values()) > 200
    assert len({each.source.partition(", ")[2] for each in ours}) >= 10
