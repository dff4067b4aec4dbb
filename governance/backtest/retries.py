"""Recorded requests that are an earlier one once more, sent because that was refused."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from governance.traffic import TraceLine

WITHIN_US: Final = 120_000_000
# Whoever is refused so often at once is no program that retries one request.
_MOST_WAITING: Final = 256
# Clients of providers wait as long as they are told, or a few seconds by themselves, with some jitter.
_BY_THEMSELVES_US: Final = 10_000_000
# Statuses after which clients send the same again by themselves.
_RETRIED: Final = frozenset({408, 409, 429, 500, 502, 503, 504})


class Retries:
    """Finds retries in lines that come in the order of their arrival.

    A retry is the same request of the same caller in every respect that is recorded, within ten seconds of a refusal
    that invites to try again or of the time that it names, and within two minutes in any case; each refusal is
    followed by one at most.
    """

    def __init__(self) -> None:
        # When each was refused, for how long it was told to wait, and which request was sent first.
        self._waiting: dict[Hashable, list[tuple[int, int | None, str]]] = {}

    def first_of(self, line: TraceLine) -> str | None:
        """The id of the request that was sent first, where this one is a retry of it; None where it is none."""
        key = _alike(line)
        waiting = self._waiting.get(key)
        first = None
        if waiting:
            while waiting and waiting[0][0] < line.at_us - WITHIN_US:
                waiting.pop(0)
            for index, (refused_us, wait_us, root) in enumerate(waiting):
                if _comes_back(line.at_us - refused_us, wait_us):
                    first = root
                    del waiting[index]
                    break
            if not waiting:
                del self._waiting[key]
        told = line.told
        if told.outcome == "refuse" and (told.status is None or told.status in _RETRIED):
            again = self._waiting.setdefault(key, [])
            wait_us = None if told.retry_after_s is None else 1_000_000 * told.retry_after_s
            again.append((line.at_us, wait_us, first or line.id))
            if len(again) > _MOST_WAITING:
                del again[0]
        return first


def _comes_back(after_us: int, wait_us: int | None) -> bool:
    """Whether somebody who waits like a client comes back so long after a refusal."""
    if 0 < after_us <= _BY_THEMSELVES_US:
        return True
    return wait_us is not None and wait_us - 1_000_000 <= after_us <= wait_us + _BY_THEMSELVES_US


def alike_but_for_size(line: TraceLine) -> Hashable:
    """What a retry and what it repeats have in common, without how large both are."""
    who, asked = line.who, line.asked
    return (
        (who.key, who.user, who.team, who.end_user),
        (asked.model, asked.type, asked.modalities, asked.capabilities, asked.task, asked.tags, asked.streaming),
        (asked.fallbacks, asked.choices, tuple(sorted(asked.conversation.items()))),
    )


def _alike(line: TraceLine) -> Hashable:
    size = line.size
    sizes = (size.prompt_tokens, size.max_output_tokens, size.audio_tokens, size.images, size.characters)
    return alike_but_for_size(line), sizes
