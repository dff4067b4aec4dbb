"""Whether a target can serve a request at all, before anyone asks whether it has room."""

from __future__ import annotations

from dataclasses import replace

from governance import codes
from governance.model import NO_FACTS, Rejection, Request, Target
from governance.vocabulary import ALWAYS_OFFERED


def screen(request: Request, target: Target) -> Target:
    """The target, `rejected` with the first reason that holds, or with a note on what could not be checked.

    Pure; the engine screens every target that a plugin proposes, plugins only need it to look ahead.
    """
    if target.rejected is not None:
        return target
    facts = request.models.facts(target.name) if request.models else NO_FACTS
    needed = request.capabilities - ALWAYS_OFFERED
    offered = target.capabilities if target.capabilities is not None else facts.capabilities
    if needed and offered is not None and not needed <= offered:
        missing, has = ", ".join(sorted(needed - offered)), ", ".join(sorted({"text", *offered}))
        return _rejected(target, codes.CAPABILITY_MISMATCH, f"needs {missing}, has {has}")
    if facts.max_input_tokens is not None and request.prompt_tokens > facts.max_input_tokens:
        detail = f"about {request.prompt_tokens:,} prompt tokens, takes {facts.max_input_tokens:,}"
        return _rejected(target, codes.CONTEXT_WINDOW_EXCEEDED, detail)
    if request.models is not None and request.models.call_name(target.name) is None:
        return _rejected(target, codes.NOT_CONFIGURED, f"the proxy serves no model `{target.name}`")
    if needed and offered is None:
        return replace(target, note="capabilities unknown")
    return target


def _rejected(target: Target, code: str, detail: str) -> Target:
    return replace(target, rejected=Rejection(code, detail))
