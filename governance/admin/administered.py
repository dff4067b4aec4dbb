"""What pages may ask of the worker that serves them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from governance.catalog import Catalog
from governance.discovery import Change, Source, State
from governance.discovery.sync import Outcome
from governance.engine.engine import Engine
from governance.policy.document import Core
from governance.store import Store
from governance.telemetry.telemetry import Telemetry
from governance.usecases.backtesting import Backtesting
from governance.usecases.overlay import Kept

T = TypeVar("T")


class Reload(Protocol):
    """Which policy is in force, since when, and what is wrong with the file now."""

    @property
    def revision(self) -> str: ...

    @property
    def loaded_at_s(self) -> float: ...

    @property
    def error(self) -> str | None: ...


class Discovering(Protocol):
    """Reads what providers list, and keeps it for all workers."""

    @property
    def sources(self) -> Sequence[Source]:
        """Where models can be read from."""

    @property
    def state(self) -> State:
        """What is known of each of them by now."""

    async def change(self, change: Change) -> State:
        """Change what is known, for all workers. Raises StoreUnavailable."""

    async def discover(self, names: Collection[str] | None = None) -> list[Outcome]:
        """Read these sources now; without names, those in use."""


class Served(Protocol):
    """The models of one worker."""

    @property
    def catalog(self) -> Catalog:
        """What the proxy serves now."""

    def offered(self) -> list[str]:
        """Names to ask for: the virtual ones, then those of the proxy's list."""

    @property
    def discovering(self) -> Discovering:
        """Who reads what providers list."""


class Policies(Protocol):
    """Where this worker's policy comes from."""

    @property
    def source(self) -> Literal["file", "database"]:
        """Which of the two is the truth."""

    @property
    def file(self) -> Path:
        """The policy file of this machine."""

    @property
    def settings(self) -> Core:
        """What that file says, as read when the worker started."""

    async def ask(self, use: Callable[[Store], T], within_s: float = ...) -> T:
        """What a use case makes of the store. Raises StoreUnavailable, and whatever the use case raises."""

    def look_soon(self) -> None:
        """The policy in force was changed."""

    @property
    def followed(self) -> Mapping[str, Any] | None:
        """Where the policy is in the store: its name, the revision in force here, and an `error` while it is away."""

    @property
    def store(self) -> Mapping[str, Any]:
        """Its `name`, whether it is `opened`, and an `error` while somebody needs it and it is away."""


class Followed(Protocol):
    """What is in force beside the policy, as this worker follows it."""

    @property
    def kept(self) -> Kept:
        """Where it is kept."""

    @property
    def told(self) -> Mapping[str, Any]:
        """`kept_in`, how many `entries`, and an `error` while they cannot be read."""

    async def look(self) -> None:
        """Read it now."""


class Administered(Protocol):
    """One worker. Ask it anew at each request: a reload exchanges its engine."""

    @property
    def engine(self) -> Engine:
        """The engine that decides new requests."""

    @property
    def telemetry(self) -> Telemetry:
        """What is told about its decisions."""

    @property
    def reload(self) -> Reload:
        """How the policy in force came to be."""

    @property
    def policies(self) -> Policies:
        """Where the policy in force comes from."""

    @property
    def overlay(self) -> Followed:
        """What is in force beside the policy."""

    @property
    def proxy(self) -> Mapping[str, Any]:
        """The LiteLLM it runs in: `version`, `workers`, and `missing`: what this version lacks for governance."""

    @property
    def backtesting(self) -> Backtesting:
        """Who runs backtests here."""

    @property
    def models(self) -> Served:
        """What the proxy serves."""
