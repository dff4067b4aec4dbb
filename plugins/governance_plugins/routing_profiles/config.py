"""What a profile says, and what is wrong with it. Semantics: the policy reference, `routing_profiles`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from governance.catalog import PROVIDERS
from governance.model import group_target
from governance.model.affinity import Affinity
from governance.model.amounts import Count, MoneyRates, Price, Rates, Share, Spends, Sum
from governance.model.labels import GivenLabels, GivenRequire
from governance.model.vocabulary import Capability, RequestType


def _text(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _virtual_provider(name: str) -> str:
    if "/" in name:
        raise ValueError(f"`{name}` must not contain `/`: it is the part before the first `/` of a model's name")
    if "*" in name or "," in name or any(c.isspace() for c in name):
        raise ValueError(f"`{name}` must be one plain word, without `*`, `,` or spaces")
    if name.lower() in PROVIDERS:
        other = f"my-{name.lower()}"
        raise ValueError(f"`{name}` is a provider that LiteLLM serves; choose a name that is none, such as `{other}`")
    return name


def _provider(name: str) -> str:
    if "/" in name or "*" in name:
        raise ValueError(f"`{name}` must be a provider alone; the model goes into `model`")
    return name


def _one_model(name: str) -> str:
    if "*" in name:
        raise ValueError("must name one model; leave it out to serve any base model")
    return name


def _one_group(name: str) -> str:
    if "*" in name:
        raise ValueError("must name one model group of the proxy, without `*`")
    return name


def _some(targets: tuple[Any, ...]) -> tuple[Any, ...]:
    if not targets:
        raise ValueError("a profile needs at least one target")
    return targets


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=200)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TargetLimits(_Closed):
    """What one `provider/model` may be asked for through this profile."""

    requests: Rates = ()
    tokens: Rates = ()
    input_tokens: Rates = ()
    output_tokens: Rates = ()
    cost: MoneyRates = ()
    concurrent: Count | None = None
    when_full: Literal["skip", "last"] = "skip"
    on_unavailable: Literal["refuse", "allow", "share"] | None = None


class ProfileTarget(_Closed):
    """One target of a profile: a provider's model, or a model group of the proxy.

    Without `model` it serves whatever model is asked for, under its own provider.
    """

    provider: Annotated[Text, AfterValidator(_provider)] | None = None
    group: Annotated[Text, AfterValidator(_one_group)] | None = None
    model: Annotated[Text, AfterValidator(_one_model)] | None = None
    virtual_model: Text | None = None
    priority: int = 0
    weight: float = Field(default=1.0, ge=0, le=1e9, allow_inf_nan=False)
    enabled: bool = True
    request_types: tuple[RequestType, ...] | None = None
    capabilities: tuple[Capability, ...] | None = None
    limits: TargetLimits = TargetLimits()
    labels: GivenLabels = {}

    @property
    def alias(self) -> str | None:
        """The virtual model it serves, in lower case; None = any."""
        return None if self.virtual_model in (None, "*") else str(self.virtual_model).lower()

    def name(self, base: str) -> str:
        """The target for a request of the model `base`."""
        return f"{self.provider}/{self.model or base}" if self.group is None else group_target(self.group)


class MaxPrice(_Closed):
    """What a target may cost at most: micro-dollars for each token of the prompt or the answer, or for the request."""

    input: Price | None = None
    output: Price | None = None
    request: Sum | None = None


class MirrorTarget(_Closed):
    """Who gets a mirrored request: without `model`, the model that was asked for."""

    provider: Annotated[Text, AfterValidator(_provider)]
    model: Annotated[Text, AfterValidator(_one_model)] | None = None


class ProfileMirror(_Closed):
    """A part of the answered requests goes to another target too, whose answer nobody waits for."""

    target: MirrorTarget
    share: Share
    budget: Spends
    requests: Rates = ()
    concurrent: Count = 4


class ProfileAccess(_Closed):
    """`grant: targets`: the caller's key must itself be allowed to call each target."""

    grant: Literal["virtual", "targets"]


class Profile(_Closed):
    """A virtual provider with its targets and its strategy."""

    name: Text
    description: str = ""
    virtual_provider: Annotated[Text, AfterValidator(_virtual_provider)]
    strategy: Literal["ordered_failover", "weighted", "cheapest", "fastest"] = "ordered_failover"
    max_price: MaxPrice | None = None
    mirror: ProfileMirror | None = None
    targets: Annotated[tuple[ProfileTarget, ...], AfterValidator(_some)]
    enabled: bool = True
    mode: Literal["enforce", "shadow"] = "enforce"
    access: ProfileAccess | None = None
    affinity: Affinity | None = None
    require: GivenRequire = {}


class RoutingProfilesConfig(RootModel[tuple[Profile, ...]]):
    """The section `routing_profiles`: a list of profiles."""

    model_config = ConfigDict(frozen=True)

    def problems(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Mistakes that no single field shows: where, and what is wrong."""
        taken: dict[str, str] = {}
        for i, profile in enumerate(self.root):
            yield from _name_problems(i, profile, taken)
            yield from _target_problems(i, profile)
            yield from _price_problems(i, profile)


def _name_problems(i: int, profile: Profile, taken: dict[str, str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    name = profile.virtual_provider
    first = taken.setdefault(name.lower(), profile.name)
    if first is not profile.name:
        message = f"`{name}` is taken by profile `{first}`; each virtual provider belongs to one profile"
        yield (i, "virtual_provider"), message


def _price_problems(i: int, profile: Profile) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if profile.max_price is not None and not any(dict(profile.max_price).values()):
        yield (i, "max_price"), "says no price; write `input`, `output` or `request`, such as {input: 3 USD/1M}"


def _target_problems(i: int, profile: Profile) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for j, target in enumerate(profile.targets):
        at = (i, "targets", j)
        if (target.provider is None) == (target.group is None):
            both = "both stand here" if target.provider else "neither stands here"
            yield at, f"needs one of `provider` and `group`; {both}"
        elif target.group and target.model:
            yield (*at, "model"), "goes with `provider`; a group holds its own models"
        if target.alias and target.model is None and target.group is None:
            yield (*at, "virtual_model"), f"`{target.virtual_model}` needs a `model` to stand for"
        if target.provider and target.provider.lower() == profile.virtual_provider.lower():
            yield (*at, "provider"), f"`{target.provider}` is this profile's own virtual provider; name a real one"
    aliases = {target.alias for target in profile.targets}
    if None in aliases and len(aliases) > 1:
        j = next(j for j, target in enumerate(profile.targets) if target.alias is None)
        named = ", ".join(sorted(alias for alias in aliases if alias))
        message = f"serves any model, beside targets for the aliases {named}; give all a `virtual_model`, or none"
        yield (i, "targets", j), message
