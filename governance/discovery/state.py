"""What discovery knows: the models of each provider, when they were read, and what went wrong since."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from governance.discovery.source import Found, Source


class Listed(BaseModel):
    """One source's models.

    Args:
        models: what its last listing said, by name, in the keys of LiteLLM's model map.
        gone: models of earlier listings that the last one did not have any more, with the time of that one.
        at: when it was read last; None = never. tried_at: when that was last tried.
        error: why the last try failed; None = it did not. What was known before is kept.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    provider: str
    read_from: Literal["api", "documentation"] = "api"
    models: Mapping[str, Mapping[str, JsonValue]] = Field(default_factory=dict)
    gone: Mapping[str, datetime] = Field(default_factory=dict)
    at: datetime | None = None
    tried_at: datetime | None = None
    error: str | None = None

    def after(self, found: list[Found], at: datetime) -> Listed:
        """The same after a listing that succeeded."""
        models = {each.name: dict(each.entry) for each in found}
        gone = {name: since for name, since in self.gone.items() if name not in models}
        gone |= {name: at for name in self.models if name not in models}
        return self.model_copy(update={"models": models, "gone": gone, "at": at, "tried_at": at, "error": None})


class State(BaseModel):
    """Everything that discovery keeps; holds no secrets.

    Args:
        docs_urls: pages about a provider's models that replace the built-in ones.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = 1
    sources: Mapping[str, Listed] = Field(default_factory=dict)
    docs_urls: Mapping[str, str] = Field(default_factory=dict)

    def of(self, source: Source) -> Listed:
        """What is known of one source; when its provider was changed, nothing."""
        known = self.sources.get(source.name)
        read_from: Literal["api", "documentation"] = "documentation" if source.kind == "documentation" else "api"
        if known is None or known.provider != source.provider:
            return Listed(provider=source.provider, read_from=read_from)
        return known.model_copy(update={"read_from": read_from})

    def completed_by(self, earlier: State) -> State:
        """The same with what another knows besides, or has read later."""

        def newer(name: str, listed: Listed) -> bool:
            known = self.sources.get(name)
            return known is None or (listed.at is not None and (known.at is None or known.at < listed.at))

        sources = {name: listed for name, listed in earlier.sources.items() if newer(name, listed)}
        docs_urls = {**earlier.docs_urls, **self.docs_urls}
        return self.model_copy(update={"sources": {**self.sources, **sources}, "docs_urls": docs_urls})

    def with_source(self, name: str, listed: Listed) -> State:
        return self.model_copy(update={"sources": {**self.sources, name: listed}})

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        """What is said of each `provider/model`, in the keys of LiteLLM's model map, with `gone_since` (a date)."""
        entries: dict[str, dict[str, Any]] = {}
        # By name, so that of two sources of one provider the same one has the last word on every machine.
        sources = [listed for _, listed in sorted(self.sources.items())]
        for listed in sources:
            for name, since in listed.gone.items():
                entries.setdefault(f"{listed.provider}/{name}", {"gone_since": since.date().isoformat()})
        for listed in sources:
            entries |= {f"{listed.provider}/{name}": dict(entry) for name, entry in listed.models.items()}
        return entries


Change = Callable[[State], State]
"""Makes of what is known what is to be known."""


def utc_now() -> datetime:
    """The time now, to the second."""
    return datetime.now(timezone.utc).replace(microsecond=0)
