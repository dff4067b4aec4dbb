"""Whether what may serve is where and how it is required to be. Whatever is not known does not satisfy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from governance.catalog.deployments import Entry, labels_of
from governance.model import Rejection, Request, Target, codes
from governance.model.labels import Labels, Require, both, unmet

_PASSED: Final = "pass_through"


def mismatch(request: Request, target: Target) -> Rejection | None:
    """Why no deployment behind a target may serve this request by its labels; None where one may, or all may.

    Which of several may is asked again of each (`fits`), before LiteLLM chooses among them.
    """
    require = both(request.require, target.require)
    if not require:
        return None
    found = labelled(request, target)
    if any(not any(unmet(require, labels)) for labels in found):
        return None
    return Rejection(codes.LABEL_MISMATCH, _why(require, found))


def labelled(request: Request, target: Target) -> tuple[Labels, ...]:
    """The labels of each different deployment that may serve a target; what it states of itself where they do not."""
    # What passes through goes to an address that no deployment describes.
    models = None if request.request_type == _PASSED else request.models
    behind = models.labels(target.name) if models else ()
    return tuple(said(target.labels, each) for each in behind) or (
        () if request.request_type == _PASSED else (target.labels,)
    )


def said(target: Labels, deployment: Labels) -> Labels:
    """What holds of a deployment as a target: the deployment's own word goes before that of the policy."""
    return {**target, **deployment} if target else deployment


def fits(request: Request, target: Target, entry: Entry) -> bool:
    """Whether LiteLLM may choose this entry of its model list for a target."""
    require = both(request.require, target.require)
    return not any(
        unmet(require, said(target.labels, labels_of(_part(entry, "model_info"), _part(entry, "litellm_params"))))
    )


def _part(entry: Entry, name: str) -> Mapping[str, Any]:
    found = entry.get(name)
    return found if isinstance(found, Mapping) else {}


def _why(require: Require, found: Sequence[Labels]) -> str:
    labels = found[0] if found else {}
    missed = next(unmet(require, labels))
    has = labels.get(missed.key)
    what = f"is {has}" if has is not None else "what it is, is not known"
    several = f", and so for each of {len(found)} kinds of deployment" if len(found) > 1 else ""
    return f"{missed.by} requires {missed}; {what}{several}"
