"""The weights that travel are those that the labelled prompts and today's features give."""

from __future__ import annotations

import json

from governance_plugins.task_routing.classifier import WEIGHTS
from tests.bench.classifier import TASKS, UNITS, Design, labelled, seeds, train


def test_training_gives_the_weights_that_travel() -> None:
    prompts = [*((row["prompt"], row["label"]) for row in labelled()), *seeds()]
    trained = train(Design([prompt for prompt, _ in prompts]), [task for _, task in prompts])
    kept = json.loads(WEIGHTS.read_text("utf-8"))

    # Another build of numpy rounds otherwise.
    assert kept["tasks"] == list(TASKS)
    both = trained["rows"].keys() & kept["rows"].keys()
    assert len(both) > 0.99 * max(len(trained["rows"]), len(kept["rows"])), "python -m tests.bench.classifier --write"
    far = [
        n
        for n in both
        if max(abs(a - b) for a, b in zip(trained["rows"][n], kept["rows"][n], strict=True)) > UNITS / 50
    ]
    assert far == [], "python -m tests.bench.classifier --write"


def test_every_labelled_prompt_has_its_source_and_its_licence() -> None:
    rows = labelled()

    assert {row["licence"] for row in rows} <= {"Apache-2.0", "MIT"}
    assert all(row["source"] and row["source_path"] and row["source_commit"] for row in rows)
    assert {row["label"] for row in rows} == set(TASKS)
