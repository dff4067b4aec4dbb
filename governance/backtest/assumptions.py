"""What is taken to be so where nobody can know: each with a switch, and all of them printed in the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from json import dumps
from typing import Literal


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Counterfactual rules.

    Args:
        newly_refused: what a caller does whom only the candidate refuses: is `gone`, or `retries` after the time that
            it is told, up to three times.
        remove_retries: leave out recorded retries of a request that is admitted now, but for the high end of ranges:
            what looks like a retry may be none.
        failures: targets fail as recorded for them `by_minute`, or `never`, where another one was asked than recorded.
        prices: money of answers that did not happen, at the prices of `today`, or as the answers of the same model
            `recorded` in the trace show them.
        warm_up: leave the first `longest_window` out of the figures, since windows are empty then, or `nothing`.
        spread: the answer of another model is as long as the recorded one times the first (low), second and third
            (high), where fewer than `enough_samples` answers of that model were recorded for the same task and size.
        enough_samples: see `spread`.
        changed_at_most: requests that are listed with both traces.
        refusals_at_most: of each subject, for the suggested amounts. refusals_ppm_at_most: the same as parts of
            a million of its requests; what is more counts.
        spot_check: share of the requests that the engine decides once more.
    """

    newly_refused: Literal["gone", "retries"] = "gone"
    remove_retries: bool = True
    failures: Literal["by_minute", "never"] = "by_minute"
    prices: Literal["today", "recorded"] = "today"
    warm_up: Literal["longest_window", "nothing"] = "nothing"
    spread: tuple[float, float, float] = (0.5, 1.0, 2.0)
    enough_samples: int = 50
    changed_at_most: int = 200
    refusals_at_most: int = 0
    refusals_ppm_at_most: int = 0
    spot_check: float = 0.01

    @property
    def hash(self) -> str:
        """`sha256:…`"""
        return f"sha256:{sha256(dumps(asdict(self), sort_keys=True).encode()).hexdigest()}"

    def words(self) -> Iterator[str]:
        """Each of them as a sentence."""
        if self.newly_refused == "gone":
            yield "whoever is newly refused does not come back"
        else:
            yield "whoever is newly refused comes back when told to, up to three times"
        if self.remove_retries:
            yield "a recorded retry of a request that is admitted now is not sent; at the high end of ranges it is"
        else:
            yield "recorded retries are sent in any case"
        if self.failures == "by_minute":
            yield "a target that was not asked then fails as often as it did in that minute for those who asked it"
        else:
            yield "a target that was not asked then does not fail"
        low, mid, high = self.spread
        yield (
            "an answer of another model is as long as those recorded of it for the same task and size, as far as the "
            f"caller allows; where fewer than {self.enough_samples} were, {low:g}, {mid:g} and {high:g} times the "
            "recorded one"
        )
        where = "at today's prices" if self.prices == "today" else "as recorded answers of the same model were"
        yield f"an answer that did not happen is billed {where}"
        if self.warm_up == "longest_window":
            yield "the first length of the longest rolling window fills windows and is in no figure"
        else:
            yield "windows are empty at the first arrival"
        yield "nobody changes what they ask for because of the answers, and targets are not slower under more load"
