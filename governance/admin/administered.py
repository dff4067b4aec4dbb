"""What pages may ask of the worker that serves them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from governance.catalog import Catalog
from governance.discovery import Source
from governance.discovery.sync import Outcome
from governance.engine.engine import Engine
from governance.telemetry.telemetry import Telemetry


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

    async def discover(self, names: Collection[str] | None = None) -> list[Outcome]:
        """Read these sources now; without names, those in use."""


class Served(Protocol):
    """The models of one worker."""

    @property
    def catalog(self) -> Catalog:
        """What the proxy serves now."""

    @property
    def discovering(self) -> Discovering:
        """Who reads what providers list."""


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
    def proxy(self) -> Mapping[str, Any]:
        """The LiteLLM it runs in: `version`, `workers`, and `missing`: what this version lacks for governance."""

    @property
    def models(self) -> Served:
        """What the proxy serves."""
