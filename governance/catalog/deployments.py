"""One entry of LiteLLM's model list: what it is, and what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from governance.catalog.identity import Identity, anywhere, identity_of
from governance.model.labels import Labels, label, read_labels
from governance.model.units import nothing

Entry = Mapping[str, Any]

# What a deployment may state about its model. The rest of it, such as keys and addresses, is nobody's business.
_IS_FACT: Final = re.compile(
    r"supports_|supported_|max_(input|output)_tokens$|deprecation_date$|mode$|display_name$|(\w*_)?(cost|pricing|price)(_|$)"
)
# Whom it asks, as whom and how often, which changes nothing of what is answered.
_CHANGES_NOTHING: Final = re.compile(
    r"model$|base_model$|custom_llm_provider$|api_\w+$|base_url$|litellm_credential_name$|organization$|"
    r"(aws|vertex|azure|watsonx|oci|sap|gigachat|s3)_\w+$|\w*(region|project|tenant|client|token_url|credentials?)\w*$|"
    r"(r|t)pm$|weight$|order$|priority$|tags$|(stream_)?timeout$|(max|num)_retries$|max_parallel_requests$|"
    r"(default|cooldown)_\w+$|use_\w+$|\w*(budget|_cost|_pricing|_price)\w*$|merge_\w+$|drop_params$|"
    r"ssl_\w+$|litellm_\w+$|configurable_\w+$|guardrails$|supports_\w+$|max_file_size_mb$"
)
_FROM_ENVIRONMENT: Final = "os.environ/"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What LiteLLM calls when it is asked for a group.

    Args:
        group: `model_name`.
        identity: who it is.
        written: `model` as it stands in the list; a wildcard's may have a `*`.
        custom_provider: `custom_llm_provider`; "" where it is left out.
        id: LiteLLM's id; "" where only the proxy knows it.
        address: `api_base`; "" is the provider's own.
        base_model: whose facts and prices it has; "" = its own.
        extra: names of the parameters that make it answer otherwise than the plain model.
        stated: what it says of its model, in the keys of LiteLLM's model map.
        team: whose it is alone; "" = everybody's.
        team_name: what that team asks for.
        blocked: an administrator has it paused.
        labels: what it says of where and how it serves.
        unknown: its model stands in an environment variable that is not set here; the variable's name.
    """

    group: str
    identity: Identity
    written: str
    custom_provider: str = ""
    id: str = ""
    address: str = ""
    base_model: str = ""
    extra: tuple[str, ...] = ()
    stated: Entry = field(default_factory=nothing, hash=False)
    team: str = ""
    team_name: str = ""
    blocked: bool = False
    unknown: str = ""
    labels: Labels = field(default_factory=nothing, hash=False)

    @property
    def spelled(self) -> str:
        """`provider/model` with the words that choose an API of the provider."""
        provider = self.identity.provider
        return self.written if not provider or self.written.startswith(f"{provider}/") else f"{provider}/{self.written}"

    @property
    def names(self) -> tuple[str, ...]:
        """Under which the sources may know it, the best first."""
        provider, model = self.identity
        elsewhere = Identity(provider, anywhere(model)).name if provider == "bedrock" else ""
        known = (self.base_model, self.spelled, self.identity.name, elsewhere)
        return tuple(dict.fromkeys(name for name in known if name))

    def filled(self, written: str, model_map: Mapping[str, Any]) -> Deployment:
        """A wildcard's deployment as it is called for one name."""
        identity = identity_of(written, self.custom_provider, model_map, self.address)
        return replace(self, written=written, identity=identity)


def deployment_of(entry: Entry, model_map: Mapping[str, Any]) -> Deployment:
    """One entry of `model_list`, read as LiteLLM reads it."""
    params, info = _mapping(entry.get("litellm_params")), _mapping(entry.get("model_info"))
    group = str(entry.get("model_name", ""))
    model, custom = str(params.get("model") or group), str(params.get("custom_llm_provider") or "")
    address = str(params.get("api_base") or params.get("base_url") or "").rstrip("/")
    unknown = model.removeprefix(_FROM_ENVIRONMENT) if model.startswith(_FROM_ENVIRONMENT) else ""
    stated = {key: value for says in (info, params) for key, value in says.items() if _IS_FACT.match(key)}
    return Deployment(
        group=group,
        identity=Identity("", "") if unknown else identity_of(model, custom, model_map, address),
        written=model,
        custom_provider=custom,
        id=str(info.get("id") or ""),
        address=address,
        base_model=str(info.get("base_model") or params.get("base_model") or ""),
        extra=tuple(sorted(key for key, value in params.items() if value and not _CHANGES_NOTHING.match(key))),
        stated=MappingProxyType({key: value for key, value in stated.items() if value is not None}),
        team=str(info.get("team_id") or ""),
        team_name=str(info.get("team_public_model_name") or ""),
        blocked=info.get("blocked") is True,
        unknown=unknown,
        labels=labels_of(info, params),
    )


def labels_of(info: Entry, params: Entry) -> Labels:
    """`model_info.labels`; the region also from LiteLLM's own `region_name`. What cannot be read is not known."""
    stated: dict[str, str] = {}
    with suppress(ValueError):
        region = params.get("region_name") or info.get("region_name")
        if region is not None:
            stated["region"] = label(region)
    given = info.get("labels")
    if given:
        with suppress(ValueError):
            stated |= read_labels(given)
    return MappingProxyType(stated) if stated else nothing()


def _mapping(value: Any) -> Entry:
    return value if isinstance(value, Mapping) else MappingProxyType({})
