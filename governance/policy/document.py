"""What a policy says besides the plugins' own sections."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from governance.policy.bodies import BodySettings
from governance.policy.catalog import CatalogSettings
from governance.policy.change_guard import ChangeGuard
from governance.policy.counting import LedgerSettings
from governance.policy.environment import Variable
from governance.policy.keys import Key, clashes
from governance.policy.nodes import Path, Tree
from governance.policy.teams import Team, twice
from governance.policy.telemetry import TelemetrySettings
from governance.policy.truth import PolicySettings, StoreSettings
from governance.policy.ungoverned import Ungoverned

DEFAULT_ORDER: Final = ("routing_rules", "task_routing", "routing_profiles", "rate_limits", "budgets", "failover")


class AccessSettings(BaseModel):
    """Who may be served by what.

    `grant: virtual`: a key that may call the virtual name may be served by the targets the policy gives that name.
    `grant: targets`: each target must also be on the key's and its team's own model lists.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    grant: Literal["virtual", "targets"] = "virtual"
    require_key: bool = Field(default=False, description="refuse requests that come without a virtual key")
    body: BodySettings = BodySettings()
    environment: tuple[Variable, ...] | None = Field(
        default=None, description="variables of the environment that this policy may use; left out: all"
    )
    ungoverned: Ungoverned = Field(
        default="refuse",
        description="endpoints that nothing counts: `refuse` them to callers whom a limit or a list of models binds, "
        "`allow` them, or allow those that are listed",
    )


class Core(BaseModel):
    """The top-level keys that belong to no plugin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    policy: PolicySettings = PolicySettings()
    store: StoreSettings = StoreSettings()
    ledger: LedgerSettings = LedgerSettings()
    access: AccessSettings = AccessSettings()
    keys: tuple[Key, ...] = ()
    teams: tuple[Team, ...] = ()
    telemetry: TelemetrySettings = TelemetrySettings()
    catalog: CatalogSettings = CatalogSettings()
    plugins: tuple[str, ...] | None = None
    on_contract_breach: Literal["refuse", "degrade"] = Field(
        default="refuse",
        description="what a proxy does whose LiteLLM is not as governance relies on: not start, or serve and tell it",
    )
    change_guard: ChangeGuard = ChangeGuard()

    def problems(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What is wrong with keys only beside one another."""
        yield from ((("keys", *where), message) for where, message in clashes(self.keys))
        yield from ((("teams", *where), message) for where, message in twice(self.teams))


class Written(NamedTuple):
    """An entry of a section as the file says it, without what the environment fills in. `line`: counted from 1."""

    name: str
    packed: bytes
    line: int

    @classmethod
    def of(cls, name: str, value: Any, line: int) -> Written:
        """Kept as bytes: of thousands of entries in force hardly one is ever shown."""
        return cls(name, pickle.dumps(value, pickle.HIGHEST_PROTOCOL), line)

    @property
    def value(self) -> Any:
        """Its plain values, a copy of them each time."""
        return pickle.loads(self.packed)  # noqa: S301 - made by `of` and by nobody else


@dataclass(frozen=True)
class Policy:
    """A valid policy.

    Args:
        revision: `sha256:…` of what it says; comments do not change it.
        order: names of the plugins it uses, in the order in which they are asked.
        sections: the plugins' own parts, validated.
        text: the YAML as it was read.
        written: what the file says where the environment filled something in, by where that is.
        entries: by the word of a section, what stands there; so that nobody parses the text again to show a page of it.
    """

    source: str
    revision: str
    core: Core = field(default_factory=Core)
    order: tuple[str, ...] = ()
    sections: Mapping[str, Any] = field(default_factory=dict)
    text: str = field(default="", repr=False)
    written: Mapping[Path, str] = field(default_factory=dict)
    entries: Mapping[str, tuple[Written, ...]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def limits_by_name(self) -> Mapping[str, tuple[str, Written]]:
        """The limits and budgets by their names in lower case, each with the word of its section."""
        found = ((word, each) for word in ("budgets", "limits") for each in self.entries.get(word, ()))
        return {each.name.lower(): (word, each) for word, each in found}


def is_wrapped(data: Any) -> bool:
    """Whether a document is in the gateway plugin format, `{name: governance, enabled, config: {…}}`."""
    if not (isinstance(data, dict) and data.get("name") == "governance" and isinstance(data.get("config"), dict)):
        return False
    return not data.keys() - {"name", "enabled", "config"} and isinstance(data.get("enabled", True), bool)


def unwrap(tree: Tree) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A document that is wrapped, as a policy.

    Returns:
        The policy's own keys, and the path at which they stand in the document.
    """
    data: dict[str, Any] = tree.data
    if data.get("enabled") is False:
        return {}, ("config",)
    config = dict(data["config"])
    mandatory = config.pop("is_vk_mandatory", None)
    access = config.get("access", {})
    if isinstance(mandatory, bool) and isinstance(access, dict):
        config["access"] = {"require_key": mandatory, **access}
    elif mandatory is not None and not isinstance(mandatory, bool):
        tree.problems.append(tree.problem(("config", "is_vk_mandatory"), "must be true or false"))
    return config, ("config",)
