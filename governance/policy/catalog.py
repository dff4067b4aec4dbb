"""The section `catalog`: what the policy knows better about models, and where more is read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from governance.catalog import CAPABILITY_KEYS, Sources, retirement
from governance.catalog.modalities import TAKING
from governance.catalog.sources import OLLAMA
from governance.discovery import KNOWN, Kind, Known, Source, State, check_url, earlier_path
from governance.model.amounts import parse_period_s
from governance.model.vocabulary import capability
from governance.policy.days import Day

_MODES: Final = {
    "chat": "chat",
    "completion": "completion",
    "responses": "responses",
    "embedding": "embedding",
    "image_generation": "image_generation",
    "transcription": "audio_transcription",
    "speech": "audio_speech",
    "rerank": "rerank",
    "moderation": "moderation",
}
_OUTPUTS: Final = {
    "text": "text",
    "image_generation": "image",
    "audio_generation": "audio",
    "video_generation": "video",
}
_SHORTEST_S: Final = 300

Price = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Tokens = Annotated[int, Field(gt=0, le=10**12)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelOverride(_Closed):
    """What the policy says of one model; it beats every other source, field by field."""

    display_name: str | None = Field(default=None, min_length=1, max_length=200)
    request_type: (
        Literal[
            "chat",
            "completion",
            "responses",
            "embedding",
            "image_generation",
            "transcription",
            "speech",
            "rerank",
            "moderation",
        ]
        | None
    ) = Field(default=None, description="what the model is for")
    input_usd_per_1m_tokens: Price | None = None
    output_usd_per_1m_tokens: Price | None = None
    cached_input_usd_per_1m_tokens: Price | None = None
    cache_write_usd_per_1m_tokens: Price | None = None
    max_input_tokens: Tokens | None = Field(default=None, description="the context window")
    max_output_tokens: Tokens | None = None
    input_modalities: tuple[Literal["text", "image", "audio", "video"], ...] | None = None
    output_modalities: (
        tuple[Literal["text", "image_generation", "audio_generation", "video_generation"], ...] | None
    ) = None
    retires_on: Day = Field(
        default=None, description="the day (UTC) from which its provider does not serve it any more"
    )
    capabilities: dict[str, bool] = Field(default_factory=dict, description="what it can do, and what it cannot")

    @field_validator("capabilities", mode="before")
    @classmethod
    def _are_known(cls, capabilities: Any) -> Any:
        if not isinstance(capabilities, dict):
            return capabilities
        named = {capability(str(word)) or str(word): can for word, can in capabilities.items()}
        for word in named:
            if word not in CAPABILITY_KEYS:
                raise ValueError(f"`{word}` is no capability of models; known: {', '.join(CAPABILITY_KEYS)}")
        return named

    @property
    def entry(self) -> dict[str, Any]:
        """The same in the keys of LiteLLM's model map."""
        takes, makes = self.input_modalities, self.output_modalities
        entry = {
            retirement.KEY: self.retires_on,
            "display_name": self.display_name,
            "mode": _MODES.get(self.request_type or ""),
            "input_cost_per_token": _per_token(self.input_usd_per_1m_tokens),
            "output_cost_per_token": _per_token(self.output_usd_per_1m_tokens),
            "cache_read_input_token_cost": _per_token(self.cached_input_usd_per_1m_tokens),
            "cache_creation_input_token_cost": _per_token(self.cache_write_usd_per_1m_tokens),
            "max_input_tokens": self.max_input_tokens,
            "max_output_tokens": self.max_output_tokens,
            "supported_modalities": None if takes is None else list(takes),
            "supported_output_modalities": None if makes is None else [_OUTPUTS[m] for m in makes],
            **{key: None if takes is None else modality in takes for modality, key in TAKING.items()},
            **{CAPABILITY_KEYS[name]: can for name, can in self.capabilities.items()},
        }
        return {key: value for key, value in entry.items() if value is not None}


class ProviderSettings(_Closed):
    """Where one provider's models are read from; what is left out is built in or comes from the environment."""

    kind: Kind | None = Field(default=None, description="which payload it speaks; built in for known providers")
    provider: str | None = Field(
        default=None, min_length=1, pattern=r"^[^/\s]+$", description="LiteLLM's name for it; default: the key's name"
    )
    api_base: str | None = Field(default=None, json_schema_extra={"writeOnly": True})
    api_key: SecretStr | None = None
    docs_url: str | None = Field(default=None, json_schema_extra={"writeOnly": True})
    selector: str = Field(default="", max_length=200, description="CSS selector of model names, for `documentation`")


def _every_s(value: Any) -> int | None:
    if value in (None, False, "off", "never"):
        return None
    if not isinstance(value, str):
        raise ValueError('must be a period such as 6h, or "off"')
    seconds = parse_period_s(value)
    if seconds < _SHORTEST_S:
        raise ValueError(f"must be at least {_SHORTEST_S // 60}m; providers count requests")
    return seconds


Every = Annotated[
    int | None,
    BeforeValidator(_every_s),
    WithJsonSchema({"type": ["string", "null"], "examples": ["6h", "1d", "off"]}),
]


class DiscoverySettings(_Closed):
    """Reading the models that providers list; nothing is read unless it is asked for."""

    on_start: bool = False
    every: Every = Field(default=None, description="how often; left out: never")
    cache: str | None = Field(default=None, min_length=1, description="the file of earlier versions, taken over once")
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="hosts (or host:port) that may be reached over http and at private addresses"
    )
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_reached(self) -> DiscoverySettings:
        for name, given in self.providers.items():
            known = KNOWN.get(name)
            kind = given.kind or (known.kind if known else None)
            if kind is None:
                names = ", ".join(sorted(KNOWN))
                raise ValueError(f"`{name}` is not known ({names}), so it needs a `kind` and an `api_base`")
            if kind == "documentation" and given.docs_url is None and known is None:
                raise ValueError(f"`{name}` needs the `docs_url` that its models are read from")
            if kind != "documentation" and given.api_base is None and known is None:
                raise ValueError(f"`{name}` needs an `api_base`")
            for key, url in (("api_base", given.api_base), ("docs_url", given.docs_url)):
                try:
                    check_url(url or "https://built.in", self.allowed_hosts)
                except ValueError as error:
                    raise ValueError(f"the `{key}` of `{name}` {error}") from None
        return self


class CatalogSettings(_Closed):
    """What is known of models besides LiteLLM's model map."""

    overrides: dict[str, ModelOverride] = Field(default_factory=dict, description="by provider/model")
    discovery: DiscoverySettings = DiscoverySettings()

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        """The overrides in the keys of LiteLLM's model map."""
        return {name: override.entry for name, override in self.overrides.items()}

    def known(self, model_map: Mapping[str, Any], discovered: State | None = None) -> Sources:
        """All that is known of models: by the policy, by discovery, by LiteLLM's model map."""
        return Sources(model_map, discovered.entries if discovered else {}, self.entries)

    def earlier_path(self, environment: Mapping[str, str]) -> Path:
        """The file in which earlier versions kept what discovery reads."""
        return Path(self.discovery.cache) if self.discovery.cache else earlier_path(environment)

    def sources(
        self,
        environment: Mapping[str, str],
        deployments: Iterable[Mapping[str, Any]] = (),
        docs_urls: Mapping[str, str] = {},
    ) -> tuple[Source, ...]:
        """Where models can be read from: the policy's providers and the built-in ones.

        Args:
            deployments: of the proxy; their keys serve too, for the addresses they are for.
            docs_urls: pages that were set by hand.
        """
        names = [*self.discovery.providers, *(name for name in KNOWN if name not in self.discovery.providers)]
        return tuple(self._source(name, environment, list(deployments), docs_urls) for name in names)

    def _source(
        self,
        name: str,
        environment: Mapping[str, str],
        deployments: list[Mapping[str, Any]],
        docs_urls: Mapping[str, str],
    ) -> Source:
        given = self.discovery.providers.get(name, ProviderSettings())
        known = KNOWN.get(name, Known("openai_compatible", "", "", needs_key=False))
        named_base = next((environment[n] for n in known.base_names if environment.get(n)), "")
        provider = given.provider or name
        source = Source(
            name=name,
            provider=provider,
            kind=given.kind or known.kind,
            api_base=given.api_base or named_base or known.api_base,
            docs_url=given.docs_url or docs_urls.get(name) or known.docs_url,
            allowed_hosts=frozenset(self.discovery.allowed_hosts) | _named_hosts(named_base, known, given),
            selector=given.selector,
            needs_key=known.needs_key and given.api_base is None and given.kind in (None, known.kind),
            key_names=known.key_names,
        )
        key = _key(source, given, known, environment, deployments)
        used = provider in {_provider(deployment) for deployment in deployments}
        in_use = bool(key or used or named_base or name in self.discovery.providers)
        return replace(source, key=key, in_use=in_use)


def _key(
    source: Source,
    given: ProviderSettings,
    known: Known,
    environment: Mapping[str, str],
    deployments: list[Mapping[str, Any]],
) -> str:
    """The key for this very address: the policy's, else the environment's unless the policy names another address,
    else that of a deployment of the provider at the same address.
    """
    if given.api_key is not None:
        return given.api_key.get_secret_value()
    if given.api_base is None:
        named = next((environment[name] for name in known.key_names if environment.get(name)), "")
        if named:
            return named
    for deployment in deployments:
        params = deployment.get("litellm_params") or {}
        base, key = str(params.get("api_base") or known.api_base), params.get("api_key")
        if (
            _provider(deployment) == source.provider
            and isinstance(key, str)
            and base.rstrip("/") == source.api_base.rstrip("/")
        ):
            name = key.removeprefix("os.environ/")
            return environment.get(name, "") if name != key else key
    return ""


def _provider(deployment: Mapping[str, Any]) -> str:
    params = deployment.get("litellm_params") or {}
    provider = str(params.get("custom_llm_provider") or str(params.get("model", "")).partition("/")[0])
    return "ollama" if provider in OLLAMA else provider


def _named_hosts(named_base: str, known: Known, given: ProviderSettings) -> frozenset[str]:
    """Who runs the machine allows the host that its environment names; a model server on this machine is built in."""
    base = "" if given.api_base else named_base or (known.api_base if known.kind == "ollama" else "")
    host = base.partition("://")[2].partition("/")[0].lower()
    return frozenset({host}) if host else frozenset()


def _per_token(usd_per_1m: float | None) -> float | None:
    return None if usd_per_1m is None else usd_per_1m / 1_000_000
