"""What plugins answer: rulings, selections, refusals, and what follows from a failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.model.conversation import Recall, Stick
from governance.model.labels import Require
from governance.model.limits import Charge
from governance.model.mirror import Mirror
from governance.model.target import Target
from governance.model.units import nothing


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not served: a value until the proxy's edge.

    Args:
        status: of HTTP: 400, 401, 402, 403, 429 or 503.
        code: a code of the policy's closed list.
        limit: name of the limit that is used up.
        retry_after_s: whole seconds until there is room; None when waiting does not help.
    """

    status: int
    code: str
    message: str
    limit: str | None = None
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """A plugin's answer before any target is chosen: charges add up, annotations chain, the first refusal ends it.

    Args:
        model: ask for this model instead.
        targets: let these serve, in this order; every plugin's `select_targets` gets them.
        keep_fallbacks: see `Request`.
        task_by: what decided the task, for the record.
        recall: where the conversation is known, what it was about goes before this task.
        notes: annotations for the record: `rule`, `task`, …
        shadow: what a shadow rule would have done: {"name": …, "would": …}.
        remarks: for the record's steps: what was considered and why it was not done.
        stick: the conversation that should stay with whichever of the targets has answered it last.
        require: what the labels of everybody have to be that serves the request.
    """

    charges: tuple[Charge, ...] = ()
    refusal: Refusal | None = None
    model: str | None = None
    task: str | None = None
    task_by: str = ""
    recall: Recall | None = None
    targets: tuple[Target, ...] = ()
    keep_fallbacks: bool = False
    notes: Mapping[str, str] = field(default_factory=nothing, hash=False)
    shadow: tuple[Mapping[str, Any], ...] = ()
    remarks: tuple[str, ...] = ()
    stick: Stick | None = None
    require: Require = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """The list of targets with what the record should say of it; a plugin may also return the bare list.

    Args:
        targets: in the order in which they should serve.
        notes: annotations for the record: `profile`, `virtual_provider`, …
        refusal: the request cannot be served at all, e.g. its virtual model is unknown.
        stick: the conversation that should stay with whichever of the targets has answered it last.
        mirror: who gets this request too.
    """

    targets: tuple[Target, ...] = ()
    notes: Mapping[str, str] = field(default_factory=nothing, hash=False)
    refusal: Refusal | None = None
    shadow: tuple[Mapping[str, Any], ...] = ()
    stick: Stick | None = None
    mirror: Mirror | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """How one attempt failed.

    Args:
        kind: one of `governance.model.failure_kinds`.
        status: of HTTP, as the provider answered; None when there was no answer.
        retry_after_s: the provider's own word.
        attempt: which attempt of the request it was, from 1.
        alone: the request has no other target to go to.
        elapsed_s: since the request was decided.
        probe: it was the one request that tries a target after its cool-down.
    """

    kind: str
    status: int | None = None
    retry_after_s: float | None = None
    attempt: int = 1
    alone: bool = False
    elapsed_s: float = 0.0
    probe: bool = False


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """How many extra attempts targets that mostly fail get, of the first attempts of the last ten seconds.

    Args:
        percent: of the first attempts.
        at_least: so many in any case.
    """

    percent: int = 20
    at_least: int = 10


@dataclass(frozen=True, slots=True)
class Recovery:
    """What to do after a failed attempt.

    Args:
        cool_down_s: keep the failed target out of every proxy's choice for so long.
        after, within_s: only when it is (at least) the failure number `after` of this target within so many seconds;
            all proxies count together.
        try_next: False ends the request with this failure.
        budget: above it, targets of which more than half of the attempts fail are skipped.
    """

    cool_down_s: float = 0.0
    after: int = 1
    within_s: int = 0
    try_next: bool = True
    budget: RetryBudget | None = None
