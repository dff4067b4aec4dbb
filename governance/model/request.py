"""Who asks, and for what: one call as it came in, and what the proxy knows beside it."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Protocol

from governance.model import sizes
from governance.model.conversation import Conversation
from governance.model.facts import NO_FACTS, ModelFacts
from governance.model.held import Held
from governance.model.labels import Labels, Require
from governance.model.limits import Charge, Window
from governance.model.sizes import Habits
from governance.model.speeds import Speeds
from governance.model.target import Rejection, Target, member_of
from governance.model.units import nothing


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking, as the proxy verified it. Empty strings where the proxy knows nothing.

    Args:
        end_user_id: what the caller says; the proxy verifies only that it may say so.
        tags: of the key, its team or its project; whatever else a request is tagged with is the caller's word.
    """

    virtual_key_id: str = ""
    virtual_key_name: str = ""
    user_id: str = ""
    team_id: str = ""
    team_name: str = ""
    customer_id: str = ""
    customer_name: str = ""
    end_user_id: str = ""
    metadata: Mapping[str, Any] = field(default_factory=nothing, hash=False)
    tags: tuple[str, ...] = ()


NOBODY: Final = Identity()


class Models(Protocol):
    """What the proxy can call; see `governance.catalog`."""

    def call_name(self, target: str) -> str | None:
        """The name under which the proxy serves `provider/model`; None when it serves no such model."""

    def facts(self, target: str) -> ModelFacts:
        """What is known of `provider/model`."""

    def served_by(self, name: str) -> tuple[tuple[str, str], ...]:
        """Every (provider, model) that may answer when the proxy is asked for `name`; never empty."""

    def meaning(self, target: str) -> Hashable:
        """Equal for targets that reach the same deployments, however they are written."""

    def members(self, target: str) -> tuple[str, ...]:
        """Names for each of the different `provider/model` that may serve a target; none where it is one."""

    def holds(self, target: str, held: Held) -> bool:
        """Whether one of the deployments that may serve a target has this."""

    def labels(self, target: str) -> tuple[Labels, ...]:
        """The labels of each different deployment that may serve a target."""


@dataclass(frozen=True, slots=True)
class Percent:
    """How full the fullest limits are that apply to a request, in percent; more than 100 is possible.

    Args:
        budget_used: of money. tokens_used: of tokens. request: of requests.
    """

    budget_used: float = 0.0
    tokens_used: float = 0.0
    request: float = 0.0


class Drained(Protocol):
    """The targets that an admin keeps new requests away from; see `governance.model.overlay`."""

    def rejection(self, request: Request, name: str) -> Rejection | None:
        """Why a target of this name may not serve now; None while it may."""


class Levels(Protocol):
    """How full limits are, as last seen; see `governance.engine.levels`."""

    def percent(self, request: Request) -> Percent:
        """The fullest limits that apply to this request. Asks nobody, so it takes no time."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call as it came in, normalised.

    Args:
        model: the name the caller asked for.
        prompt_tokens: an estimate.
        audio_tokens: how many of these are audio, by the length of its data.
        images: how many the prompt has.
        characters: of the text that is to be spoken; 0 for other types.
        tags: those of the identity, then what the caller says.
        max_output_tokens: what the caller allows at most; None when it does not say.
        fallbacks: the caller's own, in order.
        choices: how many answers are asked for.
        models: what the proxy can call; None = nothing is known, every model is taken to be there.
        draw: gives random numbers in [0, 1); simulation fixes them.
        at_s: Unix seconds at which it is decided, by the engine's clock.
        levels: how full the limits are that apply; None = nothing was counted yet.
        habits: what answers used lately; None = nothing was learned yet.
        speeds: how long targets keep callers waiting; None = no profile asks.
        drained: the targets that an admin keeps new requests away from; None = there are none.
        task: as the caller says, or as a plugin has ruled; None = nobody has said.
        targets: what a plugin has ruled in `pre_request`: the first of the targets of `select_targets`.
        clamped: where it allows longer answers than a target makes, it asks that target for less.
        require: what the labels of everybody have to be that serves it.
        keep_fallbacks: the caller's own fallbacks come after those targets, not only in their place.
        conversation: what names the conversation that it continues; None = nothing is known.
        stays_with: `provider/model` that has answered the conversation and called for tools; "" = none has.
        held: what it refers to and a provider keeps: only who has all of it may serve.
        limited: windows that the proxy's own key has for the name that was asked for.
    """

    model: str
    request_type: str = "chat"
    identity: Identity = NOBODY
    modalities: frozenset[str] = frozenset({"text"})
    capabilities: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=nothing, hash=False)
    params: Mapping[str, str] = field(default_factory=nothing, hash=False)
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
    speeds: Speeds | None = field(default=None, compare=False, repr=False)
    drained: Drained | None = field(default=None, compare=False, repr=False)
    audio_tokens: int = 0
    images: int = 0
    characters: int = 0
    targets: tuple[Target, ...] = ()
    keep_fallbacks: bool = False
    clamped: bool = False
    held: tuple[Held, ...] = ()
    conversation: Conversation | None = field(default=None, compare=False, repr=False)
    require: Require = ()
    stays_with: str = ""
    limited: tuple[Window, ...] = ()

    def but(self, **changes: Any) -> Request:
        """The same with some fields changed; a fifth of the time of `dataclasses.replace`, on every request's path."""
        other: Request = object.__new__(Request)
        for name in _REQUEST_FIELDS:
            object.__setattr__(other, name, changes[name] if name in changes else getattr(self, name))
        return other

    @property
    def last_user_text(self) -> str:
        """The beginning and the end of what the user said last; it may be in no record. Read when it is asked for."""
        return self.conversation.last_user_text() if self.conversation else ""

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
        return self.charges((window,), facts, model)[0]

    def charges(
        self, windows: Iterable[Window], facts: ModelFacts = NO_FACTS, model: str | None = None
    ) -> list[Charge | None]:
        """The same for several windows; what they count alike is worked out once."""
        whose = member_of(model)[0] if model else self.model
        amounts: dict[str, int | None] = {"requests": 1, "concurrent": 1}
        charges: list[Charge | None] = []
        for window in windows:
            unit = window.unit
            if unit not in amounts:
                amounts[unit] = sizes.amount(self, unit, facts, whose)
            amount = amounts[unit]
            if amount is not None and amount > window.amount:
                amount = max(window.amount, sizes.amount(self, unit, facts, None) or 0)
            charges.append(None if amount is None else Charge(window, amount))
        return charges


_REQUEST_FIELDS: Final = tuple(field.name for field in fields(Request))
