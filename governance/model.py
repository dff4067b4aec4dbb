"""The nouns: frozen values without I/O that every other module speaks in."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

from governance import sizes
from governance.facts import NO_FACTS as NO_FACTS
from governance.facts import ModelFacts as ModelFacts
from governance.sizes import GENERATES_TEXT as GENERATES_TEXT
from governance.sizes import TYPICAL_OUTPUT_TOKENS as TYPICAL_OUTPUT_TOKENS

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def _nothing() -> Mapping[str, Any]:
    return NOTHING


Unit = Literal["requests", "tokens", "input_tokens", "output_tokens", "usd_micros", "concurrent"]
Mode = Literal["enforce", "shadow"]

REQUEST_TYPES: Final = (
    "chat",
    "completion",
    "responses",
    "messages",
    "embedding",
    "image_generation",
    "transcription",
    "speech",
    "rerank",
    "moderation",
)
MICROS_PER_USD: Final = 1_000_000


# --- limits -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """One live counter: at most `amount` units, for one subject.

    Args:
        limit: name of the limit in the policy.
        subject: whom it counts, as `kind:id`, e.g. `team:research`, `target:cerebras/glm-4.7`.
        amount: the limit itself, in `unit`; money in micro-dollars.
        period: what the count covers: seconds of a rolling window; `hour`, `day`, `week`, `month`,
            `quarter` or `year` of the calendar; None for what is in flight now (unit `concurrent`).
        timezone: IANA name, for calendar periods.
        on_unavailable: what happens when the ledger does not answer; None = the ledger's default.
        alert_at: percent of the amount at which somebody is told, once per window.
        route_to: ask for this model instead of refusing when a request does not fit.
    """

    limit: str
    subject: str
    unit: Unit
    amount: int
    period: int | str | None
    timezone: str = "UTC"
    mode: Mode = "enforce"
    on_unavailable: Literal["refuse", "allow"] | None = None
    alert_at: tuple[int, ...] = ()
    route_to: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount to count in one window, in the window's unit.

    Args:
        assumed: the prices that the policy assumes, where none are known; what was used is settled by them.
    """

    window: Window
    amount: int
    assumed: ModelFacts | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer really used, as the provider reported it. None: it did not say, and nobody can know."""

    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cost_usd_micros: int | None = 0

    @property
    def amounts(self) -> dict[str, int]:
        """The same, by the units that windows count, without those that are not known.

        Requests are missing too: they were counted when they were reserved.
        """
        both = (
            None if self.input_tokens is None or self.output_tokens is None else self.input_tokens + self.output_tokens
        )
        amounts = {
            "tokens": both,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "usd_micros": self.cost_usd_micros,
        }
        return {unit: amount for unit, amount in amounts.items() if amount is not None}


# --- who asks, and for what ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking, as the proxy verified it. Empty strings where the proxy knows nothing."""

    virtual_key_id: str = ""
    virtual_key_name: str = ""
    user_id: str = ""
    team_id: str = ""
    team_name: str = ""
    customer_id: str = ""
    customer_name: str = ""
    end_user_id: str = ""
    metadata: Mapping[str, Any] = field(default_factory=_nothing, hash=False)


NOBODY: Final = Identity()


class Models(Protocol):
    """What the proxy can call; see `governance.catalog`."""

    def call_name(self, target: str) -> str | None:
        """The name under which the proxy serves `provider/model`; None when it serves no such model."""

    def facts(self, target: str) -> ModelFacts:
        """What is known of `provider/model`."""

    def served_by(self, name: str) -> tuple[tuple[str, str], ...]:
        """Every (provider, model) that may answer when the proxy is asked for `name`; never empty."""


@dataclass(frozen=True, slots=True)
class Percent:
    """How full the fullest limits are that apply to a request, in percent; more than 100 is possible.

    Args:
        budget_used: of money. tokens_used: of tokens. request: of requests.
    """

    budget_used: float = 0.0
    tokens_used: float = 0.0
    request: float = 0.0


class Levels(Protocol):
    """How full limits are, as last seen; see `governance.levels`."""

    def percent(self, request: Request) -> Percent:
        """The fullest limits that apply to this request. Asks nobody, so it takes no time."""


class Habits(Protocol):
    """What answers used lately, by model; see `governance.habits`."""

    def typical_output_tokens(self, model: str, request_type: str) -> int | None:
        """How long an answer is when nobody limits it; None while too few were seen."""

    def prompt_factor(self, model: str, request_type: str) -> float | None:
        """How many times our estimate a prompt has in tokens; None while too few were seen."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call as it came in, normalised.

    Args:
        model: the name the caller asked for.
        prompt_tokens: an estimate.
        audio_tokens: how many of these are audio, by the length of its data.
        images: how many the prompt has.
        characters: of the text that is to be spoken; 0 for other types.
        max_output_tokens: what the caller allows at most; None when it does not say.
        fallbacks: the caller's own, in order.
        choices: how many answers are asked for.
        models: what the proxy can call; None = nothing is known, every model is taken to be there.
        draw: gives random numbers in [0, 1); simulation fixes them.
        at_s: Unix seconds at which it is decided, by the engine's clock.
        levels: how full the limits are that apply; None = nothing was counted yet.
        habits: what answers used lately; None = nothing was learned yet.
        last_user_text: the beginning and the end of what the user said last; it may be in no record.
        task: as the caller says, or as a plugin has ruled; None = nobody has said.
        targets: what a plugin has ruled in `pre_request`: the first of the targets of `select_targets`.
        keep_fallbacks: the caller's own fallbacks come after those targets, not only in their place.
    """

    model: str
    request_type: str = "chat"
    identity: Identity = NOBODY
    modalities: frozenset[str] = frozenset({"text"})
    capabilities: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=_nothing, hash=False)
    params: Mapping[str, str] = field(default_factory=_nothing, hash=False)
    tags: tuple[str, ...] = ()
    task: str | None = None
    prompt_tokens: int = 0
    max_output_tokens: int | None = None
    choices: int = 1
    streaming: bool = False
    fallbacks: tuple[str, ...] = ()
    models: Models | None = field(default=None, compare=False, repr=False)
    draw: Callable[[], float] = field(default=random.random, compare=False, repr=False)
    at_s: float | None = field(default=None, compare=False)
    levels: Levels | None = field(default=None, compare=False, repr=False)
    habits: Habits | None = field(default=None, compare=False, repr=False)
    last_user_text: str = field(default="", compare=False, repr=False)
    audio_tokens: int = 0
    images: int = 0
    characters: int = 0
    targets: tuple[Target, ...] = ()
    keep_fallbacks: bool = False

    def but(self, **changes: Any) -> Request:
        """The same with some fields changed; a fifth of the time of `dataclasses.replace`, on every request's path."""
        other: Request = object.__new__(Request)
        for name in _REQUEST_FIELDS:
            object.__setattr__(other, name, changes[name] if name in changes else getattr(self, name))
        return other

    @property
    def output_tokens(self) -> int:
        """Output tokens to reserve: what the caller allows, else a typical answer; 0 where no text is generated."""
        return sizes.output_tokens(self, self.model)

    def charge(self, window: Window, facts: ModelFacts = NO_FACTS, model: str | None = None) -> Charge | None:
        """What serving this request costs a window at most; None for money where the price is unknown.

        Where the caller does not limit the answer, its length is our guess, and a guess alone never makes a request
        larger than the window: it then reserves all of the window.

        Args:
            model: whose habits count, e.g. a target's name; None = the model asked for.
        """
        amount = sizes.amount(self, window.unit, facts, model or self.model)
        if amount is None:
            return None
        if amount > window.amount:
            amount = max(window.amount, sizes.amount(self, window.unit, facts, None) or 0)
        return Charge(window, amount)


_REQUEST_FIELDS: Final = tuple(field.name for field in fields(Request))


# --- where it may go -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a target may not serve a request: a code of the policy's closed list, and the particulars."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One `provider/model` that LiteLLM can call, with the charges that serving from it costs.

    Args:
        name: `provider/model`.
        capabilities: what it can do; None = look it up in the catalogue.
        charges: counted only when this target serves.
        rejected: why it may not serve this request; None while it may.
        when_full: `skip` leaves it out while its windows are full, `last` keeps it as the last resort.
        grant: `targets` = the caller's key must itself be allowed to call this target; None = the policy's default.
        note: a remark for the record, e.g. that its capabilities are unknown.
        screened: a plugin has found already that it can serve; see `governance.catalog.screen`.
    """

    name: str
    capabilities: frozenset[str] | None = None
    charges: tuple[Charge, ...] = ()
    rejected: Rejection | None = None
    when_full: Literal["skip", "last"] = "skip"
    grant: Literal["virtual", "targets"] | None = None
    note: str = ""
    screened: bool = field(default=False, compare=False, repr=False)


# --- what plugins answer -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not served: a value until the proxy's edge.

    Args:
        status: of HTTP: 400, 401, 402, 403, 429 or 503.
        code: a code of the policy's closed list.
        limit: name of the limit that is used up.
        retry_after_s: whole seconds until there is room; None when waiting does not help.
    """

    status: int
    code: str
    message: str
    limit: str | None = None
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """A plugin's answer before any target is chosen: charges add up, annotations chain, the first refusal ends it.

    Args:
        model: ask for this model instead.
        targets: let these serve, in this order; every plugin's `select_targets` gets them.
        keep_fallbacks: see `Request`.
        notes: annotations for the record: `rule`, `task`, …
        shadow: what a shadow rule would have done: {"name": …, "would": …}.
        remarks: for the record's steps: what was considered and why it was not done.
    """

    charges: tuple[Charge, ...] = ()
    refusal: Refusal | None = None
    model: str | None = None
    task: str | None = None
    targets: tuple[Target, ...] = ()
    keep_fallbacks: bool = False
    notes: Mapping[str, str] = field(default_factory=_nothing, hash=False)
    shadow: tuple[Mapping[str, Any], ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """The list of targets with what the record should say of it; a plugin may also return the bare list.

    Args:
        targets: in the order in which they should serve.
        notes: annotations for the record: `profile`, `virtual_provider`, …
        refusal: the request cannot be served at all, e.g. its virtual model is unknown.
    """

    targets: tuple[Target, ...] = ()
    notes: Mapping[str, str] = field(default_factory=_nothing, hash=False)
    refusal: Refusal | None = None
    shadow: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """How one attempt failed.

    Args:
        kind: `rate_limited`, `overloaded`, `server_error`, `timeout`, `auth`, `invalid_request`,
            `content_policy`, `context_window_exceeded`, `unsupported` (by this provider), `not_found` or `unknown`.
        status: of HTTP, as the provider answered; None when there was no answer.
        retry_after_s: the provider's own word.
        attempt: which attempt of the request it was, from 1.
    """

    kind: str
    status: int | None = None
    retry_after_s: float | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Recovery:
    """What to do after a failed attempt.

    Args:
        cool_down_s: keep the failed target out of every proxy's choice for so long.
        after, within_s: only when it is (at least) the failure number `after` of this target within so many seconds;
            all proxies count together.
        try_next: False ends the request with this failure.
    """

    cool_down_s: float = 0.0
    after: int = 1
    within_s: int = 0
    try_next: bool = True
