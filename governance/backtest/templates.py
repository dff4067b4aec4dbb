"""How a policy decides each class of requests when every window is empty: asked of the real engine, once a class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from governance.backtest.arrivals import facts_read, request_of
from governance.backtest.lane import may_call_of
from governance.backtest.unattended import played
from governance.catalog import Catalog
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.ledger.reservation import Key, key_of
from governance.model import Charge, Refusal, Target, Window
from governance.traffic import Size, TraceLine

# What differs within a class: nobody can say for all of it what conditions on these come to.
_WITHIN: Final = frozenset({"prompt_tokens", "max_output_tokens", "now"})


class Corner(NamedTuple):
    """The smallest or largest request of a class: prompt tokens, `max_output_tokens`, Unix microseconds."""

    prompt: int
    most: int | None
    at_us: int


class Template(NamedTuple):
    """How all requests of a class are decided.

    Args:
        fixed: all of them are, for any size and at any time, as long as no window is full and nobody cools down.
        model: what is asked for after rules have spoken. names: every target that may be tried, in order.
        windows: all that any of these may charge. shared: what each costs whoever serves.
        refusal: why all of them are refused. as_asked: rules leave the request as large as it is.
    """

    fixed: bool
    outcome: str
    model: str
    profile: str | None
    names: tuple[str, ...]
    windows: tuple[Window, ...]
    rule: str | None = None
    shared: tuple[Charge, ...] = ()
    refusal: Refusal | None = None
    as_asked: bool = True

    @property
    def target(self) -> str | None:
        """Who serves first."""
        return self.names[0] if self.names else None

    @property
    def keys(self) -> frozenset[Key]:
        """What these windows are."""
        return frozenset(map(key_of, self.windows))


class Templates:
    """Asks one policy."""

    def __init__(self, host: Host, catalog: Catalog) -> None:
        self._now_us = 0
        self._catalog = catalog
        self._engine = Engine(host, MemoryLedger(self._clock), clock=self._clock)
        # How full limits are and who is fast is different for each request.
        self._steady = not (host.reads_percent or host.reads_speeds or facts_read(host) & _WITHIN)

    def of(self, line: TraceLine) -> Template:
        """The template of a class, from one line of it; whether it holds for all sizes, `fixed` says later."""
        size = line.size
        corner = Corner(size.prompt_tokens, size.max_output_tokens, line.at_us)
        return self._template([self._ask(line, corner)], [corner.most])

    def held(self, line: TraceLine, template: Template, corners: Sequence[Corner]) -> Template:
        """The template of a class after a look at its smallest and largest requests, at its first and last."""
        held = self._template([self._ask(line, corner) for corner in corners], [corner.most for corner in corners])
        return held if held.names == template.names else held._replace(fixed=False)

    def _template(self, found: Sequence[Decision], mosts: Sequence[int | None]) -> Template:
        first = found[0]
        alike = all(_alike(first, other) for other in found[1:])
        drawn = any(decision.trace.draws or decision.trace.stick for decision in found)
        trace = first.trace
        return Template(
            self._steady and alike and not drawn and not any(d.trace.mirror for d in found),
            first.outcome,
            first.request.model,
            trace.notes.get("profile"),
            _names(first),
            tuple({key_of(window): window for decision in found for window in _windows(decision)}.values()),
            trace.notes.get("rule"),
            first.shared,
            first.refusal,
            all(decision.request.max_output_tokens == most for decision, most in zip(found, mosts, strict=True)),
        )

    def _clock(self) -> float:
        return self._now_us / 1_000_000

    def _ask(self, line: TraceLine, corner: Corner) -> Decision:
        self._now_us = corner.at_us
        asked = replace(line, size=Size(corner.prompt, corner.most))
        request = request_of(asked, self._catalog.for_team(line.who.team))
        return played(self._engine.admit(request, may_call=may_call_of(line), mode="simulated"))


def _alike(one: Decision, other: Decision) -> bool:
    # By time zones and periods alone windows differ from one hour to the next in nothing.
    return (
        one.outcome == other.outcome
        and one.request.model == other.request.model
        and _names(one) == _names(other)
        and one.trace.notes == other.trace.notes
        and _refused(one) == _refused(other)
        and {key_of(w) for w in _windows(one)} == {key_of(w) for w in _windows(other)}
    )


def _refused(decision: Decision) -> tuple[str, str | None] | None:
    refusal = decision.refusal
    return None if refusal is None else (refusal.code, refusal.limit)


def _names(decision: Decision) -> tuple[str, ...]:
    return tuple(target.name for target in _targets(decision))


def _targets(decision: Decision) -> tuple[Target, ...]:
    return (decision.target, *decision.fallbacks) if decision.target else ()


def _windows(decision: Decision) -> Iterable[Window]:
    yield from (reading.window for reading, _ in decision.trace.windows)
    # Fallbacks of the caller's own are weighed only when their turn comes.
    yield from (charge.window for target in _targets(decision) for charge in target.charges)
