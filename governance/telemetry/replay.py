"""What a record says so that its request can be decided once more later, by the same policy or by another."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final
from weakref import WeakKeyDictionary

from governance.catalog.fingerprint import inputs_hash
from governance.model import Models
from governance.policy.telemetry import DecisionLogSettings
from governance.trace import Trace

# What conditions read that every record has: by its own name or by another one.
_RECORDED: Final = frozenset(
    {"model", "provider", "request_type", "task", "modalities", "capabilities", "prompt_tokens", "max_output_tokens"}
    | {"tags", "virtual_key_id", "virtual_key_name", "user_id", "team_id", "team_name", "customer_id", "end_user_id"}
    | {"now"}
)
_MOST_KNOWN: Final = 4096
_TARGET: Final = attrgetter("target")


class Sampling:
    """Which decisions are in the log's sample, and for how many each of them stands.

    The same decision is in every log's sample, or in none's; one in ten is part of one in two.
    """

    def __init__(self, settings: DecisionLogSettings) -> None:
        sample = settings.sample
        self._shares = {"route": sample.route, "refuse": sample.refuse, "pass": sample.passed}
        self._weights = {outcome: round(1 / share, 6) if share else 0 for outcome, share in self._shares.items()}
        self._place: Callable[[Trace], int] = _of_subject if settings.sample_by == "subject" else _of_decision

    def wants(self, trace: Trace) -> bool:
        share = self._shares[trace.outcome]
        return share >= 1.0 or self._place(trace) < share * 0x1_0000_0000

    def weight(self, trace: Trace) -> float:
        """How many decisions a line of the log stands for; 0 = none of this outcome is logged."""
        return self._weights[trace.outcome]


class Replay:
    """Adds to records what they would need to be decided once more."""

    def __init__(self, settings: DecisionLogSettings) -> None:
        self._sampling = Sampling(settings)
        withheld = (path.rpartition(".")[2] for path in settings.redact if path.startswith(("identity.", "request.")))
        shown = frozenset(f"headers.{name}" for name in settings.headers)
        self._recorded = (_RECORDED | shown) - frozenset(withheld)
        self._no_headers = "request.headers" in settings.redact
        self._unrecorded = lru_cache(maxsize=64)(self._find_unrecorded)
        # As long as these models are those that the proxy serves, or of decisions that are still to be told.
        self._known: WeakKeyDictionary[Models, dict[tuple[str, ...], str]] = WeakKeyDictionary()

    def facts(self, trace: Trace) -> dict[str, Any]:
        """`inputs`, `unrecorded` and `weight` of a record."""
        return {
            "inputs": self.inputs(trace),
            "unrecorded": list(self._unrecorded(trace.facts_read)),
            "weight": self._sampling.weight(trace),
        }

    def _find_unrecorded(self, read: Collection[str]) -> tuple[str, ...]:
        recorded = {name for name in self._recorded if not (self._no_headers and name.startswith("headers."))}
        return tuple(sorted(set(read) - recorded))

    def inputs(self, trace: Trace) -> str | None:
        """A hash of what was known of the targets that were considered; None where nothing is known of any."""
        models = trace.request.models
        if models is None:
            return None
        names = tuple(sorted(set(map(_TARGET, trace.candidates)))) or (trace.model,)
        known = self._known.setdefault(models, {})
        if names not in known:
            if len(known) >= _MOST_KNOWN:
                known.clear()
            known[names] = inputs_hash(models, names)
        return known[names]


def share_of_subject(trace: Trace) -> float:
    """Where the subject of a request stands among all, in [0, 1): the same in every log and every process."""
    return _of_subject(trace) / 0x1_0000_0000


def _of_decision(trace: Trace) -> int:
    return int(trace.id[-8:], 16)  # the end of an id is random


def _of_subject(trace: Trace) -> int:
    who = trace.request.identity
    of = who.team_id or who.virtual_key_id or who.user_id or who.customer_id or who.end_user_id
    return _hashed(of) if of else _of_decision(trace)


@lru_cache(maxsize=4096)
def _hashed(subject: str) -> int:
    return int.from_bytes(blake2b(subject.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big")
