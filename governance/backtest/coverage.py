"""What was put in, how much of it the figures speak of, and how far they can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TRUSTED_PPM: Final = 995_000


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was put in, as hashes (`sha256:…`): the same inputs give the same bytes.

    Args:
        traffic: of the lines that were replayed, in the order of their arrival.
        catalog: of what is known of every target that was considered: prices, abilities, limits.
        assumptions: of the switches below.
    """

    active: str
    candidate: str
    traffic: str
    catalog: str
    assumptions: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some lines were not replayed.

    Args:
        code: stable: `not_a_line`, `other_version`, `duplicate_id`, `no_time`, `sampled_by_request`, `not_recorded`, …
        detail: what of it, e.g. `headers.x-tier`.
        examples: ids, or `line 12` of what has none; at most five.
    """

    code: str
    detail: str
    lines: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what was recorded the figures speak of. Everything below is of the `replayed` requests.

    Args:
        lines: that were read, whatever they were.
        replayed: requests.
        weight: arrivals that these stand for, where a part of the subjects was recorded; else the same.
        retries: of the replayed, those that are attempts of an earlier one once more, after a refusal.
        warm_up: requests at the beginning that only fill windows and are in no figure.
        reasons: of the rest; the most frequent first.
        remarks: what is as recorded and makes figures less than certain, in words.
    """

    lines: int
    replayed: int
    weight: int
    retries: int
    warm_up: int
    from_ms: int | None
    to_ms: int | None
    reasons: tuple[Reason, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def not_replayable(self) -> int:
        """Lines that no figure speaks of, for a reason."""
        return sum(reason.lines for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Whether the active policy, replayed, does what was recorded. Below `TRUSTED_PPM` nothing below means much.

    Args:
        compared: requests that were recorded under this very policy and catalogue, or all where the record names none.
        other_policy: requests recorded under other revisions: they are replayed, and compared with nothing.
        same: of those compared, as many had the same outcome, refusal and target.
        differences: in which way the others differ: `outcome`, `refusal`, `target`; with examples.
    """

    compared: int
    other_policy: int
    same: int
    differences: tuple[Reason, ...] = ()

    @property
    def ppm(self) -> int | None:
        """Parts of a million that came out the same; None where nothing could be compared."""
        return None if not self.compared else self.same * 1_000_000 // self.compared

    @property
    def trusted(self) -> bool:
        """Whether the replay of what is in force is close enough to what happened to believe the rest."""
        return self.ppm is not None and self.ppm >= TRUSTED_PPM


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """How many decisions of the fast way were decided once more by the engine itself. A difference is no report at all:
    it is raised.

    Args:
        screened: requests of subjects whose windows can never be full, so that they were not simulated.
        simulated: the others.
        checked: requests that the engine decided once more, in both lanes.
    """

    screened: int
    simulated: int
    checked: int
