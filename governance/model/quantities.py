"""What a request uses, in everything that some provider bills by."""

from __future__ import annotations

from typing import NamedTuple


class Quantities(NamedTuple):
    """What a request uses, in everything that some provider bills by.

    Args:
        input_tokens: all of them; cached, written to the cache, of audio, images and video are among them.
        cached_audio_tokens: those of the cached ones that are audio.
        cache_write_tokens: all of them; those kept for an hour are among them.
        output_tokens: all of them; those of reasoning, audio, images and video are among them.
        images_in, images_out: counted in pieces, for models that are billed so.
        pixels_out: of all images that are made.
        duration_ms: of speech that is transcribed, of video that is made, of an answer that is billed by time.
        characters: of text that is spoken.
        queries: of a search or a rerank.
        pages: of documents that are read (OCR).
        annotated_pages: those that are annotated too, which is billed beside reading them.
        millicredits: a thousandth of what some bill pages by.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cached_audio_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    image_input_tokens: int = 0
    video_input_tokens: int = 0
    reasoning_tokens: int = 0
    audio_output_tokens: int = 0
    image_output_tokens: int = 0
    video_output_tokens: int = 0
    images_in: int = 0
    images_out: int = 0
    pixels_out: int = 0
    duration_ms: int = 0
    characters: int = 0
    queries: int = 0
    pages: int = 0
    annotated_pages: int = 0
    millicredits: int = 0
