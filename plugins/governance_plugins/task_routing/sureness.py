"""The least confidence that a policy asks of a classifier: what is less sure says nothing."""

from __future__ import annotations

from typing import Final

from governance.model.classification import Classification, Classifier

_UNSURE: Final = "general"


def at_least(classify: Classifier, least: float | None) -> Classifier:
    """The same classifier, but for what it is less sure of than this: that is general, and told as `unsure`.

    Its confidence stays as it was, so that a turn of a conversation that is unsure keeps the task of those before it.
    None: as sure as the classifier itself asks for.
    """
    if least is None:
        return classify

    def surely(text: str) -> Classification:
        found = classify(text)
        if found.confidence >= least or any(signal.startswith("unsure") for signal in found.signals):
            return found
        return Classification(_UNSURE, found.confidence, (f"unsure, at best {found.task}", *found.signals))

    return surely
