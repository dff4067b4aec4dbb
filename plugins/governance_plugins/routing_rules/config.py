"""What a rule says, and what is wrong with it. Semantics: the policy reference, `routing_rules`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, WithJsonSchema

from governance.catalog import provider_and_model
from governance.expressions import Condition, compile_condition, too_much
from governance.model import group_of, group_target
from governance.model.affinity import Affinity
from governance.model.labels import GivenLabels, GivenRequire
from governance_plugins.routing_rules.work import WHAT, most_ns

SCOPES: Final = ("virtual_key", "user", "team", "customer", "global")
WEIGHT_TOLERANCE: Final = 0.001

Problems = Iterator[tuple[tuple[str | int, ...], str]]


def _text(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _provider(name: str) -> str:
    if "/" in name or "*" in name:
        raise ValueError(f"`{name}` must be a provider alone; the model goes into `model`")
    return name


def _one_model(name: str) -> str:
    if "*" in name:
        raise ValueError("must name one model; leave it out for the caller's")
    return name


def _one_group(name: str) -> str:
    if "*" in name:
        raise ValueError("must name one model group of the proxy, without `*`")
    return name


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=200)]
Provider = Annotated[Text, AfterValidator(_provider)]
Model = Annotated[Text, AfterValidator(_one_model)]
Group = Annotated[Text, AfterValidator(_one_group)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class RuleTarget(_Closed):
    """Where a rule sends a request: a model group of the proxy, or a provider's model.

    Without `model` it is the caller's, without `provider` the caller's.
    """

    provider: Provider | None = None
    model: Model | None = None
    group: Group | None = None
    weight: float | None = Field(default=None, ge=0, le=1e9, allow_inf_nan=False)
    labels: GivenLabels = {}

    @property
    def names_provider(self) -> bool:
        """Whether `model` is written with its provider, in whatever case."""
        return self.model is not None and provider_and_model(self.model.lower())[0] != ""

    def name(self, provider: str, model: str) -> str:
        """The target for a request that asks for this provider ("" = unknown) and model."""
        if self.group is not None:
            return group_target(self.group)
        if self.provider is None and self.names_provider:
            return self.model or ""
        served_by = self.provider or provider
        return f"{served_by}/{self.model or model}" if served_by else self.model or model


class Fallback(_Closed):
    """Who serves when the target fails. Without `model` it is the model that the caller asked for."""

    provider: Provider | None = None
    model: Model | None = None
    group: Group | None = None
    labels: GivenLabels = {}

    def name(self, model: str) -> str:
        """The target for a caller who asked for this model."""
        if self.group is not None:
            return group_target(self.group)
        return f"{self.provider}/{self.model or model}" if self.provider else self.model or model


def _fallback(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    group = group_of(value.strip())
    if group is not None:
        raise ValueError(f"`{value}` is written {{group: {group.strip()}}}")
    provider, slash, model = value.strip().partition("/")
    if not provider:
        raise ValueError(f"`{value}` must be `provider/model`, `provider/` for the caller's model, or a model")
    return {"provider": provider, "model": model or None} if slash else {"model": provider}


GivenFallback = Annotated[
    Fallback,
    BeforeValidator(_fallback),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "examples": ["anthropic/claude-sonnet-4-5", "groq/"]},
                {
                    "type": "object",
                    "properties": {
                        **{key: {"type": "string"} for key in ("provider", "model", "group")},
                        "labels": {"type": "object"},
                    },
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class RuleRefusal(_Closed):
    """The answer of a rule that refuses."""

    status: Literal[400, 401, 402, 403, 429, 503] = 403
    message: Text


class RuleAccess(_Closed):
    """`grant: targets`: the caller's key must itself be allowed to call each target."""

    grant: Literal["virtual", "targets"]


class Rule(_Closed):
    """A condition with its effect: `targets`, `model` or `refuse`. With `require` alone the rules behind it go on."""

    name: Text
    description: str = ""
    cel_expression: Condition = Field(default_factory=lambda: compile_condition(""))
    scope: Literal["virtual_key", "user", "team", "customer", "global"] = "global"
    scope_id: Text | None = None
    priority: int = 0
    targets: tuple[RuleTarget, ...] | None = None
    model: Model | None = Field(default=None, description="hand over: ask for this model, such as fast/glm-4.7")
    refuse: RuleRefusal | None = None
    fallbacks: tuple[GivenFallback, ...] = ()
    chain_rule: bool = False
    enabled: bool = True
    mode: Literal["enforce", "shadow"] = "enforce"
    access: RuleAccess | None = None
    affinity: Affinity | None = None
    require: GivenRequire = {}

    @property
    def only_requires(self) -> bool:
        """Whether it says nothing of who serves but what his labels have to be."""
        return not (self.targets or self.model or self.refuse)

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """One for each target; the one that was left out is what is missing to 1."""
        given = [target.weight for target in self.targets or ()]
        rest = max(0.0, 1.0 - sum(weight for weight in given if weight is not None))
        return tuple(rest if weight is None else weight for weight in given)


class RoutingRulesConfig(RootModel[tuple[Rule, ...]]):
    """The section `routing_rules`: a list of rules."""

    model_config = ConfigDict(frozen=True)

    @property
    def most_ns(self) -> float:
        """What the rules that are enabled cost one request at most, in nanoseconds."""
        enabled = (rule for rule in self.root if rule.enabled)
        return most_ns((rule.scope, _id(rule), rule.cel_expression) for rule in enabled)

    def problems(self) -> Problems:
        """Mistakes that no single field shows: where, and what is wrong."""
        message = too_much(WHAT, self.most_ns)
        if message:
            yield (), message
        for i, rule in enumerate(self.root):
            if rule.scope != "global" and rule.scope_id is None:
                yield (i, "scope_id"), f"is required for scope {rule.scope}: the id or the name of one"
            yield from _effect_problems(i, rule)
            yield from _group_problems(i, rule)
            yield from _weight_problems(i, rule)


def _id(rule: Rule) -> str:
    return "" if rule.scope == "global" else rule.scope_id or ""


def _effect_problems(i: int, rule: Rule) -> Problems:
    effects = [name for name in ("targets", "model", "refuse") if getattr(rule, name) is not None]
    if rule.targets == ():
        yield (i, "targets"), "a rule needs at least one target"
    if rule.refuse and rule.require:
        yield (i, "require"), "nobody serves what `refuse` refuses"
    if not effects:
        if not rule.require:
            yield (i,), "a rule needs an effect: `targets`, `model`, `refuse` or `require`"
        for name in ("fallbacks", "access", "chain_rule"):
            if getattr(rule, name):
                yield (i, name), "goes with `targets` or `model`: after `require` alone the next rules are asked anyway"
    elif len(effects) > 1:
        yield (i, effects[1]), f"stands beside `{effects[0]}`; a rule has one effect"
    elif effects != ["targets"]:
        why = "the one that it hands over to has its own" if rule.model else "a rule that refuses needs none"
        for name in ("fallbacks", "access", "affinity"):
            if getattr(rule, name):
                yield (i, name), f"goes with `targets` only: {why}"
    if rule.refuse and rule.chain_rule:
        yield (i, "chain_rule"), "nothing comes after `refuse`"


def _group_problems(i: int, rule: Rule) -> Problems:
    for name, listed in (("targets", rule.targets or ()), ("fallbacks", rule.fallbacks)):
        entries: tuple[RuleTarget | Fallback, ...] = listed
        for j, entry in enumerate(entries):
            for other in ("provider", "model"):
                if entry.group and getattr(entry, other):
                    yield (i, name, j, other), "stands beside `group`; a target is one or the other"


def _weight_problems(i: int, rule: Rule) -> Problems:
    targets = rule.targets or ()
    missing = [j for j, target in enumerate(targets) if target.weight is None]
    total = sum(target.weight or 0.0 for target in targets)
    if len(missing) > 1:
        yield (i, "targets", missing[1]), "needs a `weight`; one target of a rule may leave it out"
    elif missing and total > 1 + WEIGHT_TOLERANCE:
        yield (i, "targets"), f"the weights given sum to {total:g}, which leaves nothing for the target without one"
    elif targets and not missing and total and abs(total - 1) > WEIGHT_TOLERANCE:
        yield (i, "targets"), f"the weights sum to {total:g}; they must sum to 1 (or all be 0, for equal shares)"
