"""What the engine answers: a decision, and how readings of the ledger become part of its account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

from governance.engine import refusals
from governance.ledger import Option, OptionReading, Reading, Reserved
from governance.model import Charge, Refusal, Request, Target, codes
from governance.model.draws import noting
from governance.model.request import Levels
from governance.model.sizes import Habits
from governance.model.speeds import Speeds
from governance.trace import Candidate, Outcome, Trace


@dataclass(frozen=True, slots=True)
class Decision:
    """The engine's answer to one request, and the handle for everything that happens to it later.

    Args:
        request: as the plugins rewrote it.
        target: who serves first; None when refused.
        fallbacks: who serves next, in order. On `pass`, the caller's own.
        shared: what every attempt costs whoever asks.
        by_call_name: every target by what LiteLLM is asked for.
        held: the same as far as they are being tried: with those of its deployments that still may serve.
    """

    outcome: Outcome
    request: Request
    trace: Trace
    target: Target | None = None
    fallbacks: tuple[Target, ...] = ()
    refusal: Refusal | None = None
    shared: tuple[Charge, ...] = ()
    by_call_name: dict[str, Target] = field(default_factory=dict)
    held: dict[str, Target] = field(default_factory=dict)
    id: str = field(init=False, default="")

    def __post_init__(self) -> None:
        # Asked for by every hook.
        object.__setattr__(self, "id", self.trace.id)

    @property
    def counted(self) -> bool:
        """Whether the ledger knows this request."""
        # The ledger was asked for its fallbacks too, though the request went where it was going.
        if self.outcome == "route" or self.shared or self.trace.moves > 0:
            return True
        return any(target.charges for target in self.by_call_name.values())

    def target_named(self, name: str) -> Target:
        """The target of this name, with its charges if the decision knows it."""
        return next((target for target in self.by_call_name.values() if target.name == name), Target(name))

    def call_name(self, target: Target) -> str:
        """What LiteLLM is asked for, to be served by this target."""
        if target.asked:
            return target.name
        models = self.request.models
        return (models.call_name(target.name) if models else None) or target.name


def begun(request: Request, trace: Trace, levels: Levels, habits: Habits, speeds: Speeds, *, clamped: bool) -> Request:
    """A request with what a decision needs besides what was asked: the time, what was counted and learned, and draws
    that the account notes.
    """
    draw = noting(request.draw, trace.draws)
    if request.at_s is not None:
        return request.but(draw=draw)
    known = {"levels": request.levels or levels, "habits": request.habits or habits, "speeds": request.speeds or speeds}
    return request.but(at_s=trace.at_s, clamped=clamped, draw=draw, **known)


def option_of(target: Target, *, cools: bool = True) -> Option:
    """A target as the ledger weighs it. LiteLLM itself cools down single deployments of several."""
    return Option(target.name if cools and not target.members else "", target.charges)


def note_windows(trace: Trace, reserved: Reserved) -> None:
    """Put every window that was read into the account, once, and what limits that only watch would have done."""
    # What several targets charge is one and the same object; to hash a window would take ten times as long.
    seen: dict[int, tuple[Reading, bool]] = {}
    for entry in all_readings(reserved):
        key = id(entry[0].window)
        if entry[1] or key not in seen:
            seen[key] = entry
    trace.windows.extend(seen.values())
    for reading, _ in seen.values() if trace.shadow_limits else ():
        window = reading.window
        if window.mode == "shadow" and not reading.fits and window.limit in trace.shadow_limits:
            would = {"refuse": codes.exhausted(window.unit), "subject": window.subject}
            trace.shadow.append({"plugin": trace.shadow_limits[window.limit], "name": window.limit, "would": would})


def all_readings(reserved: Reserved) -> list[tuple[Reading, bool]]:
    """Every window that was read, and whether the amount asked for was counted in it."""
    counted = reserved.granted and reserved.available
    found = list(zip(reserved.shared, repeat(counted)))
    for i, option in enumerate(reserved.options):
        if option.windows:
            counted = i == reserved.chosen and reserved.available
            found += zip(option.windows, repeat(counted))
    return found


def has_room(reading: OptionReading) -> bool:
    """Whether a target can be served from now."""
    # The ledger tells room and cool-down apart; it chooses, and moves to, only what has the one and not the other.
    return reading.fits and reading.cooling_until_s is None


_PROBE: Final = "its cool-down is over; one request at a time finds out whether it is well"


def note_candidates(trace: Trace, targets: Sequence[Target], reserved: Reserved) -> list[tuple[str, int]]:
    """Note every target with its reason; returns code and wait of those for which waiting helps."""
    waits = refusals.waits_of(targets, reserved.now_s)
    readings = iter(enumerate(reserved.options))
    for target in targets:
        if target.rejected:
            trace.consider((target,))
            continue
        i, reading = next(readings)
        if has_room(reading) or i == reserved.chosen:
            note = "; ".join(filter(None, (target.note, _PROBE if reading.recovering else "")))
            trace.candidates.append(Candidate(target.name, i == reserved.chosen, None, note))
            continue
        code, detail, wait = refusals.rejection_detail(reading, reserved.now_s)
        trace.candidates.append(Candidate(target.name, False, code, detail))
        if wait is not None:
            waits.append((code, wait))
    return waits


def decided(
    outcome: Outcome,
    request: Request,
    trace: Trace,
    target: Target,
    fallbacks: Sequence[Target],
    shared: tuple[Charge, ...],
) -> Decision:
    """The request goes on: to these targets, or as it is."""
    trace.outcome, trace.require = outcome, request.require
    decision = Decision(outcome, request, trace, target, tuple(fallbacks), None, shared)
    for known in (target, *fallbacks):
        decision.by_call_name.setdefault(decision.call_name(known), known)
    return decision


def refused(trace: Trace, request: Request, refusal: Refusal) -> Decision:
    """The request ends here."""
    trace.outcome, trace.refusal, trace.require = "refuse", refusal, request.require
    return Decision("refuse", request, trace, refusal=refusal)


def without(reserved: Reserved) -> str:
    """What became of a request that the ledger was not asked about."""
    if not reserved.granted:
        return "refused"
    how = "within this worker's share" if reserved.away == "share" else "by what was last seen"
    return f"allowed {how}; {len(reserved.uncounted)} windows are counted when it answers again"
