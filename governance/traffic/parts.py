"""The parts of a line: who asked, for what, how much that is, what was decided, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from governance.model.units import nothing
from governance.traffic.fields import (
    ANYTHING,
    COUNT,
    COUNTS,
    NUMBER,
    OBJECTS,
    TEXT,
    TEXTS,
    WHOLE,
    WORDS,
    YES,
    held,
    one_of,
    part,
    parts,
)


@dataclass(frozen=True, slots=True)
class Who:
    """Who asked, as the proxy verified it; "" where it knows nothing. Ids may be hashed: see `TraceLine.hashed`.

    Args:
        key: id of the virtual key, never the key.
        verified_tags: those of `Asked.tags` that the key, its team or its project has.
        metadata: what the key and its team have under the names in `TraceLine.recorded`.
    """

    key: str = held("key", TEXT, "")
    key_name: str = held("key_name", TEXT, "")
    user: str = held("user", TEXT, "")
    team: str = held("team", TEXT, "")
    team_name: str = held("team_name", TEXT, "")
    customer: str = held("customer", TEXT, "")
    customer_name: str = held("customer_name", TEXT, "")
    end_user: str = held("end_user", TEXT, "")
    verified_tags: tuple[str, ...] = held("tags", TEXTS, ())
    metadata: Mapping[str, Any] = held("meta", ANYTHING, nothing)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, before any plugin spoke.

    Args:
        task: as the caller says; "" = it does not. What was ruled is `Told.task`.
        headers, params: those named in `TraceLine.recorded`.
        tags: all of them, those of the caller too.
        refers_to: what a provider keeps: objects with `what`, `deployment`, `name`; see `governance.model.held`.
        conversation: digests of what names the conversation, by what names it (`session`, `prompt_cache_key`,
            `prefix`), as far as the policy looked at it.
    """

    model: str = held("model", TEXT)
    type: str = held("type", TEXT, "chat")
    modalities: tuple[str, ...] = held("mod", TEXTS, ("text",))
    capabilities: tuple[str, ...] = held("cap", TEXTS, ())
    task: str = held("task", TEXT, "")
    tags: tuple[str, ...] = held("tags", TEXTS, ())
    headers: Mapping[str, str] = held("hdr", WORDS, nothing)
    params: Mapping[str, str] = held("par", WORDS, nothing)
    streaming: bool = held("stream", YES, False)
    fallbacks: tuple[str, ...] = held("fall", TEXTS, ())
    choices: int = held("n", COUNT, 1)
    refers_to: tuple[Mapping[str, Any], ...] = held("held", OBJECTS, ())
    conversation: Mapping[str, str] = held("conv", WORDS, nothing)


@dataclass(frozen=True, slots=True)
class Size:
    """How large the request is, as estimated when it came in.

    Args:
        prompt_tokens: audio among them.
        max_output_tokens: what the caller allows; None = it does not say.
        characters: of text that is to be spoken.
    """

    prompt_tokens: int = held("in", COUNT, 0)
    max_output_tokens: int | None = held("max_out", COUNT, None)
    audio_tokens: int = held("audio", COUNT, 0)
    images: int = held("images", COUNT, 0)
    characters: int = held("chars", COUNT, 0)


@dataclass(frozen=True, slots=True)
class Spot:
    """One window that was read.

    Args:
        subject: `kind:id`, as the ledger counts it; ids may be hashed.
        period: `60s`, `month`, `in flight`.
        limit_amount, used_before, reserved: in `unit`; money in micro-dollars. `reserved`: 0 where nothing was counted.
        asked: what was asked for, where that is not what was reserved.
        mode: `enforce` or `shadow`.
    """

    limit: str = held("limit", TEXT)
    subject: str = held("of", TEXT)
    unit: str = held("unit", TEXT)
    period: str = held("per", TEXT)
    limit_amount: int = held("most", WHOLE)
    used_before: int = held("used", WHOLE, 0)
    reserved: int = held("took", WHOLE, 0)
    asked: int | None = held("asked", WHOLE, None)
    fits: bool = held("fits", YES, True)
    mode: str = held("mode", TEXT, "enforce")


@dataclass(frozen=True, slots=True)
class Used:
    """What an answer used, as the ledger settled it. None: nobody knows, and what was reserved stays counted.

    Args:
        usd_micros: micro-dollars. saved_usd_micros: what cached tokens would have cost besides.
        more: every other quantity that was billed, by its name in `governance.model.quantities`; tokens of reasoning,
            of audio and of images are among those of input and output.
    """

    input_tokens: int | None = held("in", COUNT, None)
    output_tokens: int | None = held("out", COUNT, None)
    cached_tokens: int = held("cached", COUNT, 0)
    usd_micros: int | None = held("usd", WHOLE, None)
    saved_usd_micros: int = held("saved", COUNT, 0)
    more: Mapping[str, int] = held("more", COUNTS, nothing)


_USED: Final = part(Used)


@dataclass(frozen=True, slots=True)
class Hop:
    """One try of one target.

    Args:
        outcome: `ok`, `failed`, `skipped`; `started` = nobody knows how it ended.
        error: a kind of failure, or the code for which it was skipped.
        start_us: microseconds after the arrival. took_ms: until it ended; 0 where it did not.
        served: `provider/model` of the deployment, where several may serve the target.
        reached: a provider was asked.
        labels: of the deployment that was asked.
        part: what it delivered before it failed and another one went on; `TraceLine.used` is that other one's.
    """

    target: str = held("to", TEXT)
    outcome: str = held("out", one_of("ok", "failed", "skipped", "started"))
    error: str | None = held("err", TEXT, None)
    start_us: int = held("start", COUNT, 0)
    took_ms: int = held("ms", COUNT, 0)
    served: str = held("served", TEXT, "")
    deployment: str = held("dep", TEXT, "")
    reached: bool = held("reached", YES, True)
    status: int | None = held("status", WHOLE, None)
    retry_after_s: float | None = held("after", NUMBER, None)
    probe: bool = held("probe", YES, False)
    labels: Mapping[str, str] = held("labels", WORDS, nothing)
    part: Used | None = held("part", _USED, None)

    @property
    def end_us(self) -> int:
        """Microseconds after the arrival."""
        return self.start_us + 1000 * self.took_ms


@dataclass(frozen=True, slots=True)
class Told:
    """What was decided.

    Args:
        revision: of the policy. arm: of two that are tried beside each other.
        outcome: `route`, `refuse` or `pass`.
        target: the first choice; "" when refused. fallbacks: who was to be tried next.
        code, status, limit, retry_after_s: of a refusal.
        windows: that were read.
        require: of the labels of whoever serves: objects with `label`, `values`, `by`.
        shadow: what entries that only watch would have done: objects with `plugin`, `name`, `would`.
        would: what the policy that is tried beside would have done; empty = it was not asked.
        overlay: ids of what was in force beside the policy and had a hand in this.
        passed_over: why targets could not serve, by target.
    """

    revision: str = held("rev", TEXT)
    outcome: str = held("out", one_of("route", "refuse", "pass"))
    arm: str = held("arm", TEXT, "")
    target: str = held("target", TEXT, "")
    fallbacks: tuple[str, ...] = held("fall", TEXTS, ())
    rule: str | None = held("rule", TEXT, None)
    profile: str | None = held("profile", TEXT, None)
    task: str | None = held("task", TEXT, None)
    degraded_by: str | None = held("degraded", TEXT, None)
    code: str | None = held("code", TEXT, None)
    status: int | None = held("status", WHOLE, None)
    limit: str | None = held("limit", TEXT, None)
    retry_after_s: int | None = held("after", WHOLE, None)
    windows: tuple[Spot, ...] = held("win", parts(Spot), ())
    require: tuple[Mapping[str, Any], ...] = held("require", OBJECTS, ())
    shadow: tuple[Mapping[str, Any], ...] = held("shadow", OBJECTS, ())
    would: Mapping[str, Any] = held("would", ANYTHING, nothing)
    overlay: tuple[str, ...] = held("overlay", TEXTS, ())
    passed_over: Mapping[str, str] = held("over", WORDS, nothing)
