"""What errors of a classifier cost: the first model of the task that it found against that of the task it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from governance.catalog import Catalog
from governance.intake.estimate import estimate_tokens
from governance.usecases.labelled import Labelled

# What a usual answer has, where nobody says otherwise.
ANSWER_TOKENS: Final = 500


def cost_of_errors(
    prompts: Sequence[Labelled],
    found: Sequence[str],
    first: Mapping[str, str | None],
    catalog: Catalog,
    answer_tokens: int = ANSWER_TOKENS,
) -> dict[str, Any]:
    """Money in micro-dollars for 1,000 prompts such as these: served as labelled, and as found.

    `dearer`: what errors cost that go to a dearer model; `cheaper`: what errors save that go to a cheaper one, whose
    answers are paid for in quality. `unpriced`: prompts of which a price is unknown, left out of everything else.

    Args:
        first: the model that serves each task, None where none does.
        answer_tokens: how long each answer is taken to be.
    """
    labelled = served = dearer = cheaper = priced = 0
    for prompt, task in zip(prompts, found, strict=True):
        length = estimate_tokens(prompt.text)
        right = task == prompt.label or task in prompt.also
        wanted = _cost(catalog, first.get(task if right else prompt.label), length, answer_tokens)
        paid = _cost(catalog, first.get(task), length, answer_tokens)
        if wanted is None or paid is None:
            continue
        priced += 1
        labelled += wanted
        served += paid
        dearer += max(0, paid - wanted)
        cheaper += max(0, wanted - paid)
    each = {"as_labelled": labelled, "as_found": served, "dearer": dearer, "cheaper": cheaper}
    return {
        **{f"{name}_usd_micros": round(1000 * amount / priced) if priced else None for name, amount in each.items()},
        "unpriced": len(prompts) - priced,
        "answer_tokens": answer_tokens,
    }


def _cost(catalog: Catalog, model: str | None, prompt_tokens: int, answer_tokens: int) -> int | None:
    return None if model is None else catalog.facts(model).cost_usd_micros(prompt_tokens, answer_tokens)
