"""The account of a request as a line of recorded traffic, without what may not be written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from governance.limits.ids import AND, spelled
from governance.limits.subjects import of_key
from governance.model import Refusal, Request
from governance.model.sizes import LARGEST_USE
from governance.policy.telemetry import DecisionLogSettings
from governance.policy.trace import TraceSettings
from governance.telemetry.personal import ALWAYS, FACT_OF, KIND_OF, LOG_PATHS, PARAMS
from governance.telemetry.replay import Replay
from governance.telemetry.traced_hops import hop, hops_with_parts, used
from governance.trace import Trace, period_text
from governance.traffic.line import VERSION

WITHHELD: Final = "[redacted]"
_LONGEST_PARAM: Final = 64
_NOTES: Final = (("rule", "rule"), ("profile", "profile"), ("task", "task"), ("degraded_by", "degraded"))
Told = dict[str, Any]
_DIGEST_BYTES: Final = 12


class Tracing:
    """Makes lines, as the policy says what may be in them.

    What is withheld from decision records is withheld here too, unless it is written as a digest.
    """

    def __init__(self, settings: TraceSettings, log: DecisionLogSettings) -> None:
        self._replay = Replay(log)
        self.headers = log.headers
        self._metadata = frozenset(settings.metadata)
        self._hashed = frozenset(settings.hash.fields) if settings.hash else frozenset[str]()
        key = settings.hash.key.get_secret_value().encode() if settings.hash else b""
        # No more than that is taken for a key.
        self._key = blake2b(key, digest_size=32).digest()
        withheld = {LOG_PATHS[path] for path in log.redact if path in LOG_PATHS} | set(settings.redact)
        self._withheld = frozenset(withheld) - self._hashed
        self._hidden_kinds = frozenset(KIND_OF[name] for name in self._hashed)
        self._no_kinds = frozenset(KIND_OF[name] for name in self._withheld) - self._hidden_kinds
        self._no_subject = "windows.subject" in log.redact
        self._no_headers = "request.headers" in log.redact
        self._plain = not (self._hashed or self._withheld or self._no_subject)
        self._hashed_names = tuple(sorted(self._hashed))
        self._digest = lru_cache(maxsize=4096)(self._make_digest)
        self._facts = lru_cache(maxsize=64)(self._find_facts)

    def line(self, trace: Trace, end_s: float, worker: str, number: int, weight: float, *, late: bool) -> Told:
        """The line of a request that is over, as `trace.v1` has it: ready for JSON, without what is as by default.

        Args:
            end_s: when it ended, Unix seconds. late: it had been told as ended before.
        """
        # A dictionary and no TraceLine: that costs a third, on every request's way.
        request, at_s = trace.request, trace.at_s
        recorded, unrecorded = self._facts(trace.facts_read)
        line: Told = {
            "v": VERSION,
            "id": trace.id,
            "at": round(at_s * 1_000_000),
            "end": max(0, round((end_s - at_s) * 1_000_000)),
            "who": self._who(request, recorded),
            "req": self._asked(trace, recorded),
            "est": {"in": request.prompt_tokens},
            "did": self._did(trace),
        }
        if request.max_output_tokens is not None:
            line["est"]["max_out"] = request.max_output_tokens
        if request.audio_tokens or request.images or request.characters:
            line["est"] |= _pieces(request)
        if trace.attempts:
            line["hops"] = hops_with_parts(trace) if trace.parts else [hop(each, at_s) for each in trace.attempts]
        if trace.usage is not None:
            line["use"] = used(trace.parts[0][1] if trace.parts else trace.usage)
        if number:
            line["by"], line["no"] = worker, number
        inputs = self._replay.inputs(trace)
        if inputs is not None:
            line["in"] = inputs
        if trace.draws:
            line["draw"] = trace.draws
        if weight != 1.0:
            line["w"] = weight
        if recorded:
            line["rec"] = recorded
        if unrecorded:
            line["not"] = unrecorded
        if self._hashed_names:
            line["hash"] = self._hashed_names
        if trace.mirror_of:
            line["mirror_of"] = trace.mirror_of
        if trace.kept_usd_micros:
            line["kept"] = min(trace.kept_usd_micros, LARGEST_USE)
        if late:
            line["late"] = True
        return line

    def _who(self, request: Request, recorded: Sequence[str]) -> Told:
        who = request.identity
        own = None if self._plain else self._own
        told: Told = {}
        for key, value in (
            ("key", who.virtual_key_id),
            ("key_name", who.virtual_key_name),
            ("user", who.user_id),
            ("team", who.team_id),
            ("team_name", who.team_name),
            ("customer", who.customer_id),
            ("customer_name", who.customer_name),
            ("end_user", who.end_user_id),
        ):
            if value:
                told[key] = value if own is None else own(key, value)
        if who.tags:
            told["tags"] = who.tags if own is None else [own("tags", tag) for tag in who.tags]
        if recorded and who.metadata and (metadata := _named("metadata.", recorded, who.metadata)):
            told["meta"] = self._metadata_told(metadata)
        return told

    def _metadata_told(self, metadata: Told) -> Told:
        if "metadata" not in self._hashed:
            return metadata
        return {
            name: [self._digest_of(name, each) for each in value]
            if isinstance(value, (list, tuple))
            else self._digest_of(name, value)
            for name, value in metadata.items()
        }

    def _digest_of(self, name: str, value: Any) -> str:
        text = str(value).lower() if isinstance(value, bool) else str(value).strip()
        return self._digest("metadata", of_key(name, text).partition("=")[2])

    def _asked(self, trace: Trace, recorded: Sequence[str]) -> Told:
        request = trace.request
        told: Told = {"model": request.model}
        if request.request_type != "chat":
            told["type"] = request.request_type
        if len(request.modalities) != 1 or "text" not in request.modalities:
            told["mod"] = sorted(request.modalities)
        if request.capabilities:
            told["cap"] = sorted(request.capabilities)
        if request.task:
            told["task"] = request.task
        if request.tags:
            told["tags"] = request.tags if self._plain else [self._own("tags", tag) for tag in request.tags]
        if recorded and self.headers and (headers := _named("headers.", recorded, request.headers)):
            told["hdr"] = headers
        if request.params and (named := PARAMS.intersection(request.params)):
            told["par"] = _params(named, request.params)
        if request.streaming:
            told["stream"] = True
        if request.fallbacks:
            told["fall"] = request.fallbacks
        if request.choices != 1:
            told["n"] = request.choices
        if request.held:
            told["held"] = [{"what": h.what, "deployment": h.deployment, "name": h.name} for h in request.held]
        if trace.stick:
            told["conv"] = {trace.stick.kind: trace.stick.key}
        return told

    def _did(self, trace: Trace) -> Told:
        told: Told = {"rev": trace.policy_revision, "out": trace.outcome}
        if trace.model:
            told["target"] = trace.model
        if trace.fallbacks:
            told["fall"] = trace.fallbacks
        for note, key in _NOTES:
            if note in trace.notes:
                told[key] = trace.notes[note]
        if trace.refusal:
            told |= _refusal(trace.refusal)
        if trace.windows:
            told["win"] = self._windows(trace)
        if trace.arm:
            told["arm"] = trace.arm
        if trace.require:
            told["require"] = [each.record for each in trace.require]
        if trace.shadow:
            told["shadow"] = [self._shadow(entry) for entry in trace.shadow]
        if trace.would:
            told["would"] = trace.would
        if overlay := trace.overlay:
            told["overlay"] = overlay
        for candidate in trace.candidates:
            if candidate.reason and not candidate.chosen:
                told.setdefault("over", {})[candidate.target] = candidate.reason
        return told

    def _windows(self, trace: Trace) -> list[Told]:
        plain, windows = self._plain, []
        for (window, used_before, amount, fits, _, _), counted in trace.windows:
            told: Told = {
                "limit": window.limit,
                "of": window.subject if plain else self._subject(window.subject),
                "unit": window.unit,
                "per": period_text(window.period),
                "most": window.amount,
                "took" if counted else "asked": amount,
            }
            if used_before:
                told["used"] = used_before
            if not fits:
                told["fits"] = False
            if window.mode != "enforce":
                told["mode"] = window.mode
            windows.append(told)
        return windows

    def _shadow(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        would = entry.get("would")
        if self._plain or not isinstance(would, Mapping) or not isinstance(would.get("subject"), str):
            return dict(entry)
        return {**entry, "would": {**would, "subject": self._subject(would["subject"])}}

    def _subject(self, subject: str) -> str:
        return AND.join(map(self._part, subject.split(AND)))

    def _part(self, part: str) -> str:
        kind, colon, id = part.partition(":")
        if not colon:
            return part
        if kind in self._hidden_kinds:
            name, equals, value = id.partition("=") if kind == "metadata" else ("", "", id)
            return f"{kind}:{name}{equals}{self._digest(kind, value)}"
        return f"{kind}:{WITHHELD}" if self._no_subject or kind in self._no_kinds else part

    def _own(self, name: str, value: str) -> str:
        if not value or self._plain:
            return value
        if name in self._hashed:
            return self._digest(KIND_OF[name], spelled(value))
        return "" if name in self._withheld else value

    def _make_digest(self, kind: str, value: str) -> str:
        text = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        return f"h:{blake2b(text, digest_size=_DIGEST_BYTES, key=self._key).hexdigest()}"

    def _find_facts(self, read: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What of maps is in a line wherever a request has it, and what conditions and limits read that is not."""
        recorded: set[str] = set()
        if "metadata" not in self._withheld:
            recorded |= {f"metadata.{name}" for name in self._metadata}
            recorded |= {name for name in read if name.startswith("metadata.")}
        if not self._no_headers:
            recorded |= {f"headers.{name}" for name in self.headers}
        recorded |= {f"params.{name}" for name in PARAMS if f"params.{name}" in read}
        held = (ALWAYS - {FACT_OF[name] for name in self._withheld}) | recorded
        # A digest is the same value where it is compared with itself, and another where a condition names it.
        held -= {FACT_OF[name] for name in self._hashed}
        return tuple(sorted(recorded)), tuple(sorted(read - held))


def _pieces(request: Request) -> Told:
    pieces = (("audio", request.audio_tokens), ("images", request.images), ("chars", request.characters))
    return {key: amount for key, amount in pieces if amount}


def _refusal(refusal: Refusal) -> Told:
    told: Told = {"code": refusal.code, "status": refusal.status}
    if refusal.limit is not None:
        told["limit"] = refusal.limit
    if refusal.retry_after_s is not None:
        told["after"] = refusal.retry_after_s
    return told


def _params(named: frozenset[str], params: Mapping[str, str]) -> Told:
    return {name: text for name in sorted(named) if len(text := params[name]) <= _LONGEST_PARAM}


def _named(prefix: str, recorded: Sequence[str], given: Mapping[str, Any]) -> Told:
    names = (name[len(prefix) :] for name in recorded if name.startswith(prefix))
    return {name: given[name] for name in names if name in given}
