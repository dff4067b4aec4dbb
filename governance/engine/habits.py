"""What answers used lately, by model: how long they are, and how far off the estimates of their prompts were."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from governance.model import Request, Usage

# Before so many answers there is nothing typical.
_ENOUGH_ANSWERS: Final = 20
_MOST_MODELS: Final = 4096
# The share of the newest answer: the last sixty or so decide.
_NEWEST: Final = 1 / 32
_LEAST_FACTOR: Final = 0.5
_LARGEST_FACTOR: Final = 2.0


@dataclass(slots=True)
class _Habit:
    answers: int = 0
    mean: float = 0.0
    variance: float = 0.0
    prompts: int = 0
    factor: float = 1.0
    cached: float = 0.0

    def note_output(self, tokens: float) -> None:
        self.answers += 1
        share = max(1 / self.answers, _NEWEST)
        off = tokens - self.mean
        self.mean += share * off
        self.variance = (1 - share) * (self.variance + share * off * off)

    def note_prompt(self, factor: float, cached: float) -> None:
        self.prompts += 1
        share = max(1 / self.prompts, _NEWEST)
        self.factor += share * (factor - self.factor)
        self.cached += share * (cached - self.cached)


class Learned:
    """The habits of the models that this process has seen, the latest of which are kept. Asks nobody, keeps no text."""

    def __init__(self) -> None:
        self._habits: dict[tuple[str, str], _Habit] = {}

    def typical_output_tokens(self, model: str, request_type: str) -> int | None:
        """Tokens of an answer: the mean of the last ones and one deviation, at least 1; None before 20 answers."""
        habit = self._habits.get((model, request_type))
        if habit is None or habit.answers < _ENOUGH_ANSWERS:
            return None
        return max(1, math.ceil(habit.mean + math.sqrt(habit.variance)))

    def prompt_factor(self, model: str, request_type: str) -> float | None:
        """Real tokens of a prompt for each estimated one, from 0.5 to 2; None before 20 answers."""
        habit = self._habits.get((model, request_type))
        if habit is None or habit.prompts < _ENOUGH_ANSWERS:
            return None
        return habit.factor

    def cached_share(self, model: str, request_type: str) -> float | None:
        """The part of a prompt that came from the provider's cache, from 0 to 1; None before 20 answers."""
        habit = self._habits.get((model, request_type))
        if habit is None or habit.prompts < _ENOUGH_ANSWERS:
            return None
        return habit.cached

    def note_answer(self, request: Request, target: str, usage: Usage) -> None:
        """Learn from the answer to a request, by both names that are charged: the one asked for and the target's."""
        for name in dict.fromkeys((request.model, target)):
            self.note(
                name,
                request.request_type,
                request.prompt_tokens,
                usage,
                choices=request.choices,
                allowed=request.max_output_tokens,
            )

    def note(
        self,
        model: str,
        request_type: str,
        estimated_prompt_tokens: int,
        usage: Usage,
        *,
        choices: int = 1,
        allowed: int | None = None,
    ) -> None:
        """Learn from one answer.

        What the provider did not report, what cannot be, and what came from a cache without using anything, teaches
        nothing.

        Args:
            choices: how many answers there were in this one.
            allowed: output tokens of one answer at which the caller had it cut off; None when it did not. A short
                answer that was cut off says nothing of those that are not.
        """
        if usage.implausible or (not usage.input_tokens and not usage.output_tokens):
            return
        habit = self._habits.pop((model, request_type), None) or _Habit()
        self._habits[(model, request_type)] = habit
        if len(self._habits) > _MOST_MODELS:
            del self._habits[next(iter(self._habits))]
        if usage.output_tokens is not None:
            length = usage.output_tokens / max(1, choices)
            if allowed is None or length < allowed or length > habit.mean:
                habit.note_output(length)
        if usage.input_tokens and estimated_prompt_tokens > 0:
            factor = usage.input_tokens / estimated_prompt_tokens
            cached = min(1.0, usage.cached_tokens / usage.input_tokens)
            habit.note_prompt(min(_LARGEST_FACTOR, max(_LEAST_FACTOR, factor)), cached)
