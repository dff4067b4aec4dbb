"""Whether a target can serve a request at all, before anyone asks whether it has room."""

from __future__ import annotations

from typing import Final

from governance.catalog.labels import mismatch
from governance.catalog.retirement import day_of
from governance.model import GENERATES_TEXT, Rejection, Request, Target, codes
from governance.model.facts import NO_FACTS, ModelFacts
from governance.model.vocabulary import ALWAYS_OFFERED

_BROUGHT: Final = frozenset({"image", "audio", "video"})
_WANTED: Final = frozenset({"image_generation", "audio_generation", "video_generation", "embedding"})


def screen(request: Request, target: Target) -> Target:
    """The target, `rejected` with the first reason that holds, or with a note on what could not be checked.

    Pure; the engine screens every target that a plugin proposes, plugins only need it to look ahead.
    """
    if target.rejected is not None or target.screened:
        return target
    drained = request.drained.rejection(request, target.name) if request.drained else None
    if drained:
        return target.but(rejected=drained)
    facts = request.models.facts(target.name) if request.models else NO_FACTS
    needed = request.capabilities - ALWAYS_OFFERED
    stated = target.capabilities is not None
    offered = target.capabilities if stated else facts.capabilities
    unsaid = frozenset[str]() if stated else facts.unsaid
    if needed and offered is not None and not needed <= offered | unsaid:
        missing, has = ", ".join(sorted(needed - offered - unsaid)), ", ".join(sorted({"text", *offered}))
        return _rejected(target, codes.CAPABILITY_MISMATCH, f"needs {missing}, has {has}")
    other = "" if stated else _other_modality(request, facts)
    if other:
        return _rejected(target, codes.CAPABILITY_MISMATCH, other)
    if facts.max_input_tokens is not None and request.prompt_tokens > facts.max_input_tokens:
        detail = f"about {request.prompt_tokens:,} prompt tokens, takes {facts.max_input_tokens:,}"
        return _rejected(target, codes.CONTEXT_WINDOW_EXCEEDED, detail)
    cut = ""
    if _allows_more(request, facts):
        cut = f"allows {request.max_output_tokens:,} output tokens, makes {facts.max_output_tokens:,}"
        if not request.clamped:
            return _rejected(target, codes.OUTPUT_LIMIT_EXCEEDED, cut)
        cut = f"{cut}, which are asked for"
    if request.models is not None and request.models.call_name(target.name) is None:
        return _rejected(target, codes.NOT_CONFIGURED, f"the proxy serves no model `{target.name}`")
    if facts.retires_at_s is not None and request.at_s is not None and request.at_s >= facts.retires_at_s:
        return _rejected(target, codes.RETIRED, f"switched off by its provider on {day_of(facts.retires_at_s)}")
    elsewhere = mismatch(request, target) if request.require or target.require else None
    if elsewhere:
        return target.but(rejected=elsewhere)
    note = "; ".join(filter(None, (_note(needed, offered, unsaid, facts), cut)))
    return target.but(note=note) if note else target


def _allows_more(request: Request, facts: ModelFacts) -> bool:
    asked, makes = request.max_output_tokens, facts.max_output_tokens
    return asked is not None and makes is not None and asked > makes and request.request_type in GENERATES_TEXT


def _other_modality(request: Request, facts: ModelFacts) -> str:
    """Why what the request brings or wants is not what the model takes or makes; "" where it is, or may be."""
    brings = request.modalities & _BROUGHT
    if brings and facts.input_modalities is not None and not brings <= facts.input_modalities:
        missing = ", ".join(sorted(brings - facts.input_modalities))
        return f"brings {missing}, takes {', '.join(sorted(facts.input_modalities))}"
    wants = request.modalities & _WANTED
    if request.request_type in GENERATES_TEXT and facts.output_modalities == frozenset({"embedding"}):
        wants |= {"text"}
    if wants and facts.output_modalities is not None and not wants <= facts.output_modalities:
        missing = ", ".join(sorted(wants - facts.output_modalities))
        return f"wants {missing}, makes {', '.join(sorted(facts.output_modalities)) or 'nothing of the kind'}"
    return ""


def _note(needed: frozenset[str], offered: frozenset[str] | None, unsaid: frozenset[str], facts: ModelFacts) -> str:
    if facts.gone_since:
        return f"not listed by its provider since {facts.gone_since}"
    if needed and offered is None:
        return "capabilities unknown"
    unknown = ", ".join(sorted(needed & unsaid))
    return f"unknown whether it has {unknown}" if unknown else ""


def _rejected(target: Target, code: str, detail: str) -> Target:
    return target.but(rejected=Rejection(code, detail))
