"""How large a request is: what it may cost a window at most, by what it says, what is typical and what things cost."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from governance.model.facts import ModelFacts
from governance.model.quantities import Quantities
from governance.model.units import Unit

GENERATES_TEXT: Final = frozenset({"chat", "completion", "responses", "messages"})

# No request uses more of anything: a trillion tokens, a million dollars. A caller may write any number, limits that
# only watch count it, and Redis counts exactly to 2**53 only.
LARGEST_USE: Final = 10**12
# Reserved for a request that names no limit of its own for the answer.
TYPICAL_OUTPUT_TOKENS: Final = 1024
# Guesses for what no body tells, where a model is billed by it: an image of 1024 x 1024 at the best quality (OpenAI's
# gpt-image-1), ten minutes of speech heard at ten tokens a second and written down, speech spoken, a short document, a
# minute of a machine that is paid by time, and a clip.
_TOKENS_PER_IMAGE_MADE: Final = 4160
_PIXELS: Final = 1024 * 1024
_SIZE: Final = re.compile(r"([0-9]{1,5})\s*(?:x|-x-)\s*([0-9]{1,5})", re.IGNORECASE)
_PAGES_READ: Final = 20
_ANSWERED_IN_MS: Final = 60_000
_CHARACTERS_PER_TOKEN: Final = 4
_VIDEO_MS: Final = 8_000
_HEARD: Final = Quantities(6_000, 2_000, audio_input_tokens=6_000, duration_ms=600_000)
_SECONDS: Final = re.compile(r"[0-9]{1,5}")
AUDIO_TOKENS_PER_CHARACTER: Final = 2


class Habits(Protocol):
    """What answers used lately, by model; see `governance.engine.habits`."""

    def typical_output_tokens(self, model: str, request_type: str) -> int | None:
        """How long an answer is when nobody limits it; None while too few were seen."""

    def prompt_factor(self, model: str, request_type: str) -> float | None:
        """How many times our estimate a prompt has in tokens; None while too few were seen."""

    def cached_share(self, model: str, request_type: str) -> float | None:
        """The part of a prompt that comes from the provider's cache; None while too few were seen."""


class Sized(Protocol):
    """What of a request its size depends on; see `governance.model.Request`."""

    @property
    def model(self) -> str: ...

    @property
    def request_type(self) -> str: ...

    @property
    def modalities(self) -> frozenset[str]: ...

    @property
    def capabilities(self) -> frozenset[str]: ...

    @property
    def params(self) -> Mapping[str, str]: ...

    @property
    def prompt_tokens(self) -> int: ...

    @property
    def max_output_tokens(self) -> int | None: ...

    @property
    def choices(self) -> int: ...

    @property
    def habits(self) -> Habits | None: ...

    @property
    def audio_tokens(self) -> int: ...

    @property
    def images(self) -> int: ...

    @property
    def characters(self) -> int: ...


def output_tokens(request: Sized, model: str | None) -> int:
    """Output tokens to reserve: what the caller allows, else what is typical of a model; None for no guess."""
    if request.request_type not in GENERATES_TEXT and not _generates_text(request):
        return 0
    if request.max_output_tokens is not None:
        return request.max_output_tokens * request.choices
    if model is None:
        return 0
    typical = request.habits.typical_output_tokens(model, request.request_type) if request.habits else None
    return (typical or TYPICAL_OUTPUT_TOKENS) * request.choices


def _generates_text(request: Sized) -> bool:
    # What is passed through may be anything; one that has a prompt, or limits its answer, is taken to have one.
    kind = request.request_type
    asks = request.prompt_tokens > 0 or request.max_output_tokens is not None
    return kind in GENERATES_TEXT or (kind == "pass_through" and asks)


def _prompt_tokens(request: Sized, model: str) -> int:
    factor = request.habits.prompt_factor(model, request.request_type) if request.habits else None
    return request.prompt_tokens if factor is None else math.ceil(request.prompt_tokens * factor)


def amount(request: Sized, unit: Unit, facts: ModelFacts, model: str | None) -> int | None:
    """An amount by the habits of a model, at most `LARGEST_USE`; None for the model: without any guess."""
    if unit in ("requests", "concurrent"):
        return 1
    inputs = _prompt_tokens(request, request.model if model is None else model)
    if model is None:
        inputs = min(inputs, request.prompt_tokens)
    outputs = 0 if unit == "input_tokens" else output_tokens(request, model)
    if unit == "usd_micros":
        found = _billed(request, facts, _quantities(request, inputs, outputs, facts, guess=model is not None))
    else:
        found = outputs if unit == "output_tokens" else inputs + outputs
    return found if found is None or found <= LARGEST_USE else LARGEST_USE


class Expected(NamedTuple):
    """What serving a request is expected to cost: what is reserved for it, less what a cache takes off.

    Args:
        usd_micros: None where a price is unknown.
        cached_tokens: those of the input that are expected to come from the provider's cache.
    """

    usd_micros: int | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


def expected_cost(request: Sized, facts: ModelFacts, model: str) -> Expected:
    """What this model is expected to cost for a request, by its habits; at most `LARGEST_USE`."""
    inputs, outputs = _prompt_tokens(request, model), output_tokens(request, model)
    share = request.habits.cached_share(model, request.request_type) if request.habits else None
    cached = int(inputs * (share or 0.0))
    used = _quantities(request, inputs, outputs, facts, guess=True)
    cost = _billed(request, facts, used._replace(cached_input_tokens=cached) if cached else used)
    return Expected(None if cost is None else min(cost, LARGEST_USE), inputs, outputs, cached)


def _billed(request: Sized, facts: ModelFacts, used: Quantities) -> int | None:
    cost, tier = facts.billed(used), request.params.get("service_tier", "")
    dearer = facts.billed(used, tier) if tier in facts.prices.by_tier else None
    return cost if cost is None or dearer is None else max(cost, dearer)


def _by_the_image(facts: ModelFacts) -> bool:
    return facts.prices.image_out is not None or facts.prices.pixel_out is not None


def pixels(request: Sized) -> int:
    """Of one image that is asked for; those of 1024 x 1024 where nothing is said of its size."""
    size = _SIZE.fullmatch(request.params.get("size", ""))
    return int(size[1]) * int(size[2]) if size else _PIXELS


def video_ms(request: Sized) -> int:
    """Of all videos that are asked for; short ones where nothing is said of their length."""
    asked = request.params.get("seconds", "")
    return request.choices * (int(asked) * 1000 if _SECONDS.fullmatch(asked) else _VIDEO_MS)


def _quantities(request: Sized, inputs: int, outputs: int, facts: ModelFacts, *, guess: bool) -> Quantities:
    """What a provider may bill. Nothing is taken to come from a cache."""
    kind = request.request_type
    if kind in GENERATES_TEXT or _generates_text(request):
        if not facts.prices.are_by_token:
            characters = _CHARACTERS_PER_TOKEN * (inputs + outputs)
            return Quantities(inputs, outputs, duration_ms=_ANSWERED_IN_MS, characters=characters)
        if not request.audio_tokens and "reasoning" not in request.capabilities and len(request.modalities) == 1:
            return Quantities(inputs, outputs)
        return Quantities(
            inputs,
            outputs,
            audio_input_tokens=request.audio_tokens,
            reasoning_tokens=outputs if "reasoning" in request.capabilities else 0,
            audio_output_tokens=outputs if "audio_generation" in request.modalities else 0,
        )
    if kind == "image_generation":
        made = request.choices * _TOKENS_PER_IMAGE_MADE if guess and not _by_the_image(facts) else 0
        return Quantities(
            inputs,
            made,
            image_output_tokens=made,
            images_out=request.choices,
            pixels_out=request.choices * pixels(request),
        )
    if kind == "transcription" and guess:
        return _HEARD._replace(input_tokens=inputs + _HEARD.input_tokens)
    if kind == "speech":
        spoken = request.characters * AUDIO_TOKENS_PER_CHARACTER if guess else 0
        # Some make music, and are billed by the piece as if they made images.
        pieces = 1 if facts.prices.image_out is not None else 0
        return Quantities(inputs, spoken, audio_output_tokens=spoken, images_out=pieces, characters=request.characters)
    if kind == "ocr":
        annotated = 0 if facts.prices.annotated_page is None else _PAGES_READ
        return Quantities(inputs, pages=_PAGES_READ, annotated_pages=annotated, millicredits=1000 * _PAGES_READ)
    if kind == "video_generation":
        return Quantities(inputs, images_in=request.images, duration_ms=video_ms(request))
    return Quantities(
        inputs,
        images_in=request.images if kind == "embedding" else 0,
        queries=1 if kind in ("rerank", "search", "vector_store") else 0,
    )
