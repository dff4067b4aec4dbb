"""One walk: batches of probes of one caller, and after each of them everything that must hold."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.hostile.gateway import Gateway
from tests.hostile.installation import key
from tests.hostile.recorder import Call
from tests.hostile.routes import Probe
from tests.hostile.verdict import faults_of_ours, keys_astray, secrets_of, tracebacks_through_us, uncounted
from tests.hostile.walk import batches, guilty, sent, walked


@dataclass
class Found:
    """What a walk covered, and what it found wrong."""

    statuses: collections.Counter[int] = field(default_factory=collections.Counter)
    routes: set[str] = field(default_factory=set)
    calls: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        by_status = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(self.statuses.items()))
        return (
            f"{self.statuses.total()} requests to {len(self.routes)} routes or fields ({by_status}); "
            f"{self.calls} calls of providers; {len(self.wrong)} findings"
        )


def attack(
    gateway: Gateway,
    probes: Sequence[Probe],
    who: str | None,
    forbidden: Callable[[Iterable[Call]], list[str]],
    *,
    counted: bool = False,
    size: int = 60,
) -> Found:
    """Send probes as a caller.

    Args:
        who: a caller of the policy; None for nobody.
        forbidden: which calls of providers must not have happened.
        counted: whether what providers told must be in the windows of the caller's team.
    """
    found, secret = Found(), None if who is None else key(who)
    seen = gateway.output.stat().st_size
    for batch in batches(probes, size):
        before = gateway.counted(who) if counted and who else {}
        gateway.taken()
        answers = walked(gateway, batch, secret)
        calls = gateway.taken()
        if forbidden(calls):
            named = [f"{probe}: {', '.join(calls)}" for probe, calls in guilty(gateway, batch, secret, forbidden)]
            once = [call for call in forbidden(calls) if not call.startswith("CONNECT ")]
            found.wrong += named or [f"one of {len(batch)} probes, not again: {call}" for call in once]
        with gateway.output.open("rb") as output:
            output.seek(seen)
            written = output.read()
        seen += len(written)
        log = written.decode("utf-8", "replace")
        found.statuses.update(answer.status for answer in answers)
        found.routes.update(f"{answer.probe.method} {answer.probe.route}" for answer in answers)
        found.calls += len(calls)
        found.wrong += [*faults_of_ours(answers, log), *secrets_of(answers), *keys_astray(calls)]
        found.wrong += tracebacks_through_us(log)
        if counted and who:
            after = gateway.settled(who, before, calls)
            grown = {unit: after.get(unit, 0) - before.get(unit, 0) for unit in ("requests", "tokens")}
            found.wrong += uncounted(calls, grown["requests"], grown["tokens"])
        harm = gateway.harmed()
        if harm:
            found.wrong.append(f"others are affected by one of {len(batch)} probes: {harm}")
            found.wrong += harmful(gateway, batch, secret)
    return found


def harmful(gateway: Gateway, probes: Sequence[Probe], secret: str | None) -> Iterator[str]:
    """Which of a batch do harm to others, each sent once more and alone."""
    gateway.heals()
    for probe in probes:
        sent(gateway, probe, secret)
        harm = gateway.harmed()
        if harm:
            yield f"others are affected by {probe} {probe.route}: {harm}"
            gateway.heals()
