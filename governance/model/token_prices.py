"""What tokens of each kind cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from governance.model.quantities import Quantities


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """Atto-dollars per token of each kind, for prompts of one range of lengths. None: unknown.

    Only `input` and `output` can be unknown while others are not: the kinds without a price of their own cost that of
    their side.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cached_audio: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    audio_input: int | None = None
    image_input: int | None = None
    video_input: int | None = None
    reasoning: int | None = None
    audio_output: int | None = None
    image_output: int | None = None
    video_output: int | None = None

    def input_cost(self, used: Quantities) -> int | None:
        """Atto-dollars for the prompt; None where a price is unknown.

        What the cache covered is not billed again by its modality.
        """
        count = used.input_tokens
        if not (used.cached_input_tokens or used.cache_write_tokens or used.audio_input_tokens) and not (
            used.image_input_tokens or used.video_input_tokens
        ):
            return _times(count, self.input)
        cached = min(used.cached_input_tokens, count)
        cached_audio = min(used.cached_audio_tokens, cached)
        written = min(used.cache_write_tokens, count - cached)
        written_1h = min(used.cache_write_1h_tokens, written)
        rest = count - cached - written
        audio = min(max(0, used.audio_input_tokens - cached_audio), rest)
        image = min(used.image_input_tokens, rest - audio)
        video = min(used.video_input_tokens, rest - audio - image)
        return _sum(
            _times(rest - audio - image - video, self.input),
            _times(cached - cached_audio, self.cached),
            _times(cached_audio, self.cached_audio),
            _times(written - written_1h, self.cache_write),
            _times(written_1h, self.cache_write_1h),
            _times(audio, self.audio_input),
            _times(image, self.image_input),
            _times(video, self.video_input),
        )

    def output_cost(self, used: Quantities) -> int | None:
        """Atto-dollars for the answer; None where a price is unknown."""
        count = used.output_tokens
        if not (used.reasoning_tokens or used.audio_output_tokens) and not (
            used.image_output_tokens or used.video_output_tokens
        ):
            return _times(count, self.output)
        audio = min(used.audio_output_tokens, count)
        image = min(used.image_output_tokens, count - audio)
        video = min(used.video_output_tokens, count - audio - image)
        reasoning = min(used.reasoning_tokens, count - audio - image - video)
        return _sum(
            _times(count - audio - image - video - reasoning, self.output),
            _times(reasoning, self.reasoning),
            _times(audio, self.audio_output),
            _times(image, self.image_output),
            _times(video, self.video_output),
        )


NO_TOKEN_PRICES: Final = TokenPrices()


def token_prices(input: int | None, output: int | None, **own: int | None) -> TokenPrices:
    """Prices of every kind of token: its own, else that of its side.

    An absent price of what is written for an hour is that of any cache write; audio in the cache costs what the cache
    costs.

    Source: LiteLLM litellm_core_utils/llm_cost_calc/utils.py.
    """
    named = {kind: price for kind, price in own.items() if price is not None}
    cached, written = named.get("cached", input), named.get("cache_write", input)
    image_output = named.get("image_output", output)
    # The map has models that answer with images only, and price no other output.
    output = image_output if not output and image_output is not None else output
    return TokenPrices(
        input=input,
        output=output,
        cached=cached,
        cached_audio=named.get("cached_audio", cached),
        cache_write=written,
        cache_write_1h=named.get("cache_write_1h", written),
        audio_input=named.get("audio_input", input),
        image_input=named.get("image_input", input),
        video_input=named.get("video_input", input),
        reasoning=named.get("reasoning", output),
        audio_output=named.get("audio_output", output),
        image_output=image_output,
        video_output=named.get("video_output", output),
    )


def _times(count: int, price: int | None) -> int | None:
    if not count:
        return 0
    return None if price is None else count * price


def _sum(*costs: int | None) -> int | None:
    total = 0
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total
