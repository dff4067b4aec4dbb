"""The contract between the engine and its plugins: the hooks, in the order in which they run.

A plugin is a class with `Config` (a frozen pydantic model, extra forbidden) and `__init__(config)`, found under the
entry-point group `governance.plugins`; the entry point's name is the policy section. Hooks are synchronous and pure:
they declare (charges, targets, a refusal), the engine does all I/O. An optional class attribute
`on_error = "refuse"` makes the host refuse a request when the plugin raises; by default it is ignored and recorded.
A plugin that serves models of its own making may have a method `virtual_models(served) -> names`, from which the proxy
learns what to list; it gets the names that the proxy serves. One that knows of entries which can never work may have
`warnings(catalog, claimed) -> messages` for `governance check`; `claimed(name)` says whether a plugin has targets for a
model of this name. One whose section is no list of named entries may have `coverable() -> names`, for the coverage of
`governance test`. One that knows what changes of its section do to callers may have `effects(change) -> effects`, for
`governance policy diff`. One that limits callers should have `limit_on(request) -> name` of a limit that may bind
whoever sends this, whatever it asks for; whom one binds is kept from endpoints that nothing counts. One that looks at
`request.levels` says so by the attribute `reads_percent = True`. One with conditions may have `facts_read`, the
names of what they may look at, from which a record tells what of it it does not hold. One that looks at
`request.speeds` says so by the attribute `reads_speeds = True`; nobody measures them otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from governance.model import Failure, Recovery, Request, Ruling, Selection, Target, Usage

PROJECT = "governance"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def pre_request(request: Request) -> Ruling | None:
    """Say whether the request may go on, what it costs whoever sends it, and what it should ask for.

    Called once, before any target is chosen. Charges of all plugins add up; a rewritten model or task is what the
    next plugin sees, and targets that it names are where `select_targets` begins; the first refusal ends the round.

    Returns:
        A ruling, or None for "nothing to say".
    """


@hookspec
def select_targets(request: Request, targets: Sequence[Target]) -> Selection | Sequence[Target] | None:
    """Propose, drop, order or charge the targets of a request.

    Called once, after every `pre_request`. A chain: each plugin gets what its predecessor returned. The first target
    with room serves the request, the others become its fallbacks. A target that may not serve stays in the list with
    `rejected` set, so that the record can say why.

    Returns:
        The new list (or a `Selection` with remarks for the record), or None for "as it is".
    """


@hookspec
def charge_targets(request: Request, targets: Sequence[Target]) -> Sequence[Target] | None:
    """Add what serving from a target costs, whoever proposed it.

    Called after `select_targets` with every target that may serve: those proposed, or the model asked for when nobody
    proposed any, and the caller's own fallbacks. Called again, for one target alone, when LiteLLM tries a model by
    itself. So every limit on a provider, a model or money is kept at every attempt. A chain.

    Returns:
        The same targets in the same order, with charges added or `rejected` set, or None for "as they are".
    """


@hookspec
def on_failure(request: Request, target: Target, failure: Failure) -> Recovery | None:
    """Say what follows from a failed attempt.

    Called once per failed attempt. The first answer wins.

    Returns:
        What to do, or None for "go on with the next target, unless the request itself was at fault".
    """


@hookspec
def on_success(request: Request, target: Target, usage: Usage) -> None:
    """Learn what an answered request used.

    Called once, after settling. All plugins are told; nothing they return is looked at.
    """
