"""What would happen to a request: simulation input, decided by the engine that decides live requests."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from governance.catalog import Catalog
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.levels import LastSeen, Stated
from governance.intake.read import read_request, verified_tags
from governance.ledger.pins import Pin
from governance.ledger.stated import StatedLedger, StatedUse
from governance.limits.subjects import is_subject_of
from governance.model import Identity, Percent, Request, Window
from governance.model.amounts import parse_period_s
from governance.model.labels import GivenLabels
from governance.model.vocabulary import Capability, RequestType


def _moment(value: Any) -> Any:
    # Python 3.10 does not read the `Z` of ISO 8601.
    return value.replace("Z", "+00:00") if isinstance(value, str) else value


Moment = Annotated[datetime, BeforeValidator(_moment)]


def unix_s(moment: Moment) -> float:
    """Unix seconds; a moment without a zone is UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GivenIdentity(_Closed):
    """Who asks. `models`: what the key and its team may call; omitted = everything."""

    virtual_key_id: str = ""
    virtual_key_name: str = ""
    user_id: str = ""
    team_id: str = ""
    team_name: str = ""
    customer_id: str = ""
    customer_name: str = ""
    end_user_id: str = ""
    metadata: dict[str, Any] = {}
    models: tuple[str, ...] | None = None


class GivenUse(_Closed):
    """What a window has counted already; it is named by its limit, its target or its subject, and its unit."""

    limit: str | None = None
    target: str | None = None
    subject: str | None = None
    unit: str | None = None
    used: int = Field(ge=0)


class GivenPercent(_Closed):
    budget_used: float = 0.0
    tokens_used: float = 0.0
    request: float = 0.0


class GivenCatalog(_Closed):
    """Names the proxy serves, wildcards allowed, and the labels of those deployments."""

    configured: tuple[str, ...] | None = None
    labels: dict[str, GivenLabels] = {}


def _period(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("must be a time such as 30s or 3m")
    return parse_period_s(value)


class GivenPin(_Closed):
    """Who has answered the conversation last. `ago`: how long before, such as 3m; left out, just now.

    `task`: what it was about, for task routing.
    """

    target: str = Field(min_length=1)
    task: str = ""
    cached_tokens: int = Field(default=0, ge=0)
    ago: Annotated[int, BeforeValidator(_period)] = 0


class SimulationInput(_Closed):
    """One request to decide. Everything but `body.model` is optional.

    Args:
        at: fixes the clock. draw: fixes the random numbers, in the order in which they are drawn.
        request_type, capabilities, modalities, task, prompt_tokens: instead of what the body says.
    """

    call_type: RequestType = "chat"
    body: dict[str, Any] = Field(description="the request body; `model` is required")
    headers: dict[str, str] = {}
    identity: GivenIdentity = GivenIdentity()
    tags: tuple[str, ...] = ()
    usage: tuple[GivenUse, ...] = ()
    pinned: GivenPin | None = None
    percent: GivenPercent = GivenPercent()
    catalog: GivenCatalog = GivenCatalog()
    at: Moment | None = None
    draw: tuple[Annotated[float, Field(ge=0, lt=1)], ...] = ()
    request_type: RequestType | None = None
    capabilities: tuple[Capability, ...] | None = None
    modalities: tuple[str, ...] | None = None
    task: str | None = None
    prompt_tokens: int | None = Field(default=None, ge=0)
    max_output_tokens: int | None = Field(default=None, ge=1)
    streaming: bool | None = None


async def simulate(host: Host, given: SimulationInput, catalog: Catalog) -> Decision:
    """Decide one given request by a policy, counting nothing.

    Args:
        catalog: what the proxy serves, unless the input says so itself.
    """
    at_s = time.time() if given.at is None else unix_s(given.at)
    ledger = StatedLedger(tuple(map(_stated, given.usage)), clock=lambda: at_s, pinned=_pin(given.pinned, at_s))
    engine = Engine(host, ledger, clock=lambda: at_s)
    request = await with_levels(engine, given, catalog, at_s)
    return await engine.admit(request, may_call=may_call_of(given), mode="simulated")


async def simulate_now(engine: Engine, given: SimulationInput, catalog: Catalog) -> Decision:
    """Decide one given request as this engine would now, by what its ledger has counted; nothing is counted.

    With a clock, use or a pin of its own the request is decided apart from the ledger, as `simulate` does.
    """
    if given.usage or given.pinned or given.at is not None:
        return await simulate(engine.host, given, catalog)
    return await engine.admit(request_of(given, catalog), may_call=may_call_of(given), mode="simulated")


async def simulate_alike(engine: Engine, given: SimulationInput, catalog: Catalog) -> Decision:
    """The same for policies that are held beside each other: each sees how full its limits are by the ledger of now.

    What one engine has seen lately the other has not, and its limits may be others.
    """
    if given.usage or given.pinned or given.at is not None:
        return await simulate(engine.host, given, catalog)
    request = await with_levels(engine, given, catalog, engine.clock())
    return await engine.admit(request, may_call=may_call_of(given), mode="simulated")


async def with_levels(engine: Engine, given: SimulationInput, catalog: Catalog, at_s: float) -> Request:
    """The given request with how full the limits are that apply to it: read from the ledger before rules are asked.

    That is what a live proxy has seen within the last second. Stated percentages go before it.
    """
    request = request_of(given, catalog)
    if request.levels is not None or not engine.host.reads_percent:
        return request
    seen = LastSeen(clock=lambda: at_s)
    windows = list(_windows(engine.host, request.but(at_s=at_s)))
    if windows:
        seen.note((reading, False) for reading in await engine.ledger.read(windows))
    # Who would serve has windows too, also after a rule has rewritten the model; a request can be drawn for only once.
    probe = request_of(given, catalog).but(levels=seen)
    first = await engine.admit(probe, may_call=may_call_of(given), mode="simulated")
    seen.note((reading, False) for reading, _ in first.trace.windows)
    return request.but(levels=seen)


def _windows(host: Host, request: Request) -> Iterator[Window]:
    for plugin in host.plugins.values():
        windows: Callable[[Request], Iterable[Window]] | None = getattr(plugin, "windows", None)
        if windows is not None:
            yield from windows(request)


def request_of(given: SimulationInput, catalog: Catalog) -> Request:
    """The normalised request, read from the body as the proxy reads it, with what is given directly put over it."""
    if given.catalog.configured is not None:
        labels = given.catalog.labels
        entries = [{"model_name": n, "model_info": {"labels": labels.get(n)}} for n in given.catalog.configured]
        catalog = Catalog(entries, catalog.sources)
    request = read_request(
        given.call_type,
        given.body,
        identity=Identity(**given.identity.model_dump(exclude={"models"}), tags=verified_tags(given.identity.metadata)),
        headers=given.headers,
        tags=given.tags,
        task=given.task,
        models=catalog.for_team(given.identity.team_id),
        draw=_draws(given.draw),
    )
    return _with(
        request,
        request_type=given.request_type,
        capabilities=None if given.capabilities is None else frozenset(given.capabilities),
        modalities=None if given.modalities is None else frozenset(given.modalities),
        prompt_tokens=given.prompt_tokens,
        max_output_tokens=given.max_output_tokens,
        streaming=given.streaming,
        levels=Stated(Percent(**given.percent.model_dump())) if "percent" in given.model_fields_set else None,
    )


def _with(request: Request, **given: Any) -> Request:
    return replace(request, **{name: value for name, value in given.items() if value is not None})


def _draws(given: tuple[float, ...]) -> Callable[[], float]:
    def numbers() -> Iterator[float]:
        yield from given
        while True:
            yield random.random()  # noqa: S311 - a draw among targets is no secret

    stream = numbers()
    return lambda: next(stream)


def _pin(given: GivenPin | None, at_s: float) -> Pin | None:
    return (
        None
        if given is None
        else Pin(given.target, at_s=at_s - given.ago, cached_tokens=given.cached_tokens, task=given.task)
    )


def _stated(use: GivenUse) -> StatedUse:
    subject = f"target:{use.target}" if use.target else use.subject

    def matches(window: Window) -> bool:
        return (
            (use.limit is None or window.limit.lower() == use.limit.lower())
            and (subject is None or is_subject_of(window, subject))
            and (use.unit is None or window.unit == use.unit)
        )

    return StatedUse(matches, use.used)


def may_call_of(given: SimulationInput) -> Callable[[str], Awaitable[bool]] | None:
    """What the given key may call; None for everything."""
    models = given.identity.models
    if models is None:
        return None
    allowed = Catalog([{"model_name": name} for name in models], {})

    async def may_call(name: str) -> bool:
        return not models or bool(allowed.routes.asked(name))

    return may_call


def given_from(data: Mapping[str, Any]) -> SimulationInput:
    """Validate simulation input that was read from JSON. Raises pydantic.ValidationError."""
    return SimulationInput.model_validate(data)
