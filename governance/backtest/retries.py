"""Recorded requests that are an earlier one once more, sent because that was refused."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from governance.traffic import TraceLine

WITHIN_US: Final = 120_000_000
# Whoever is refused so often at once is no program that retries one request.
_MOST_WAITING: Final = 256
# Statuses after which clients send the same again by themselves.
_RETRIED: Final = frozenset({408, 409, 429, 500, 502, 503, 504})


class Retries:
    """Finds retries in lines that come in the order of their arrival.

    A retry is the same request of the same caller in every respect that is recorded, at most two minutes after a
    refusal that invites to try again; each refusal is followed by one at most.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[tuple[int, str, str]]] = {}

    def first_of(self, line: TraceLine) -> str | None:
        """The id of the request that was sent first, where this one is a retry of it; None where it is none."""
        key = _alike(line)
        waiting = self._waiting.get(key)
        first = None
        if waiting:
            while waiting and waiting[0][0] < line.at_us - WITHIN_US:
                waiting.pop(0)
            for index, (ended_us, _, root) in enumerate(waiting):
                if ended_us < line.at_us:
                    first = root
                    del waiting[index]
                    break
            if not waiting:
                del self._waiting[key]
        told = line.told
        if told.outcome == "refuse" and (told.status is None or told.status in _RETRIED):
            again = self._waiting.setdefault(key, [])
            again.append((line.at_us, line.id, first or line.id))
            if len(again) > _MOST_WAITING:
                del again[0]
        return first


def _alike(line: TraceLine) -> Hashable:
    who, asked, size = line.who, line.asked, line.size
    return (
        (who.key, who.user, who.team, who.end_user),
        (asked.model, asked.type, asked.modalities, asked.capabilities, asked.task, asked.tags, asked.streaming),
        (asked.fallbacks, asked.choices, tuple(sorted(asked.conversation.items()))),
        (size.prompt_tokens, size.max_output_tokens, size.audio_tokens, size.images, size.characters),
    )
