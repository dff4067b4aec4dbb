"""What the section `task_routing` says, and what is wrong with it. Semantics: the policy reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    WithJsonSchema,
)

from governance.catalog import PROVIDERS
from governance.model import group_of, group_target
from governance.model.affinity import Affinity
from governance.model.classification import classifiers
from governance_plugins.task_routing.presets import PRESETS, STANDS_IN, TASKS

AUTO: Final = "auto"
FALLBACK: Final = "fallback"


def _word(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _lowered(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    lowered: dict[Any, Any] = {}
    for key, entry in value.items():
        if _word(key) in lowered:
            raise ValueError(f"`{_word(key)}` stands here twice; names are unique, whatever their case")
        lowered[_word(key)] = entry
    return lowered


def _fault(word: str, kind: str) -> str:
    """What is wrong with a name; "" where nothing is."""
    if word == AUTO:
        return f"`{AUTO}` is taken: it means the active profile, or the task that the classifier finds"
    if not word or not word.isascii() or not all(c.isalnum() or c in "-_." for c in word):
        return f"`{word}` must be one plain word, without `/`, `*`, `,` or spaces"
    if kind == "profile" and word in PROVIDERS:
        return f"`{word}` is a provider that LiteLLM serves; choose a name that is none, such as `my-{word}`"
    return ""


def _model(name: str) -> str:
    if group_of(name) is not None:
        return name
    if "*" in name or "," in name or any(c.isspace() for c in name):
        raise ValueError(f"`{name}` must name one model, such as openai/gpt-4o")
    return name


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, (str, dict)) else value


def _entry(value: Any) -> Any:
    """A model as it is written; `{group: NAME}` as the name of that target."""
    if isinstance(value, dict):
        group = value.get("group")
        if set(value) != {"group"} or not isinstance(group, str) or not group.strip() or "*" in group:
            raise ValueError("must be provider/model, or {group: NAME} with the name of a model group of the proxy")
        return group_target(group.strip())
    if isinstance(value, str) and group_of(value) is not None:
        raise ValueError(f"`{value}` is written {{group: {(group_of(value) or '').strip()}}}")
    return value


def _some(chain: tuple[str, ...]) -> tuple[str, ...]:
    if not chain:
        raise ValueError("needs at least one model; leave the task out to serve it by the fallback")
    return chain


Text = Annotated[str, Field(min_length=1, max_length=200)]
Entry = Annotated[
    Text,
    BeforeValidator(_entry),
    AfterValidator(_model),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "examples": ["openai/gpt-4o"]},
                {
                    "type": "object",
                    "properties": {"group": {"type": "string"}},
                    "required": ["group"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
Chain = Annotated[tuple[Entry, ...], BeforeValidator(_listed), AfterValidator(_some)]


Chains = Annotated[dict[str, Chain], BeforeValidator(_lowered)]


class TaskProfile(RootModel[Chains]):
    """The models of each task, the first that can serve before the next; `fallback` comes last for every task."""

    model_config = ConfigDict(frozen=True)


class TaskRoutingConfig(BaseModel):
    """Which models serve which kind of work."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    active_profile: Annotated[Text, BeforeValidator(_word)] = Field(
        default="balanced", description="what `auto` means where neither the caller nor its key says"
    )
    allow_header: bool = Field(default=True, description="whether x-governance-profile and x-governance-task count")
    preset: Literal["current", "classic"] = Field(
        default="current", description="which chains eco, balanced and premium have: today's models, or those of 2025"
    )
    profiles: Annotated[dict[str, TaskProfile], BeforeValidator(_lowered)] = Field(
        default={}, description="in place of the presets eco, balanced, premium, or beside them"
    )
    overrides: Chains = Field(default={}, description="by task: what comes first, in every profile")
    classifier: str = Field(default="heuristic", description="an installed classifier")
    min_confidence: float | None = Field(
        default=None, ge=0, le=1, description="what the classifier is less sure of is general, or as the turns before"
    )

    affinity: Affinity | None = Field(default=None, description="keep conversations where their prompts are cached")

    _overlay: str | None = PrivateAttr(default=None)

    def activated(self, profile: str, overlay: str) -> TaskRoutingConfig:
        """The same with another active profile, by the overlay's entry of this id."""
        changed = self.model_copy(update={"active_profile": profile})
        changed._overlay = overlay
        return changed

    @property
    def overlay(self) -> str | None:
        """The id of the overlay's entry that says which profile is active; None where the policy does."""
        return self._overlay

    @cached_property
    def chains(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """Every profile, those that come with the plugin included: models by task, and `fallback`."""
        return {**PRESETS[self.preset], **{name: profile.root for name, profile in self.profiles.items()}}

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """Every word that names a task."""
        own = [task for chains in self.chains.values() for task in chains if task != FALLBACK]
        return tuple(dict.fromkeys([*TASKS, *own, *self.overrides]))

    def chain(self, profile: str, task: str) -> tuple[str, ...]:
        """The models to try, in order: override, the profile's chain for the task, its fallback."""
        chains = self.chains[profile]
        own = chains.get(task) or chains.get(STANDS_IN.get(task, ""), ())
        first: dict[str, str] = {}
        for name in (*self.overrides.get(task, ()), *own, *chains.get(FALLBACK, ())):
            first.setdefault(name.lower(), name)
        return tuple(first.values())

    def written(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The chains that the policy gives, each by where it stands."""
        for at, chain in self._given():
            yield "/".join(map(str, at[1:])), chain

    def named_targets(self) -> Iterator[tuple[str, str]]:
        """Every model of the chains that callers can ask for, presets included, with where it stands."""
        for profile, chains in self.chains.items():
            for task, chain in chains.items():
                yield from ((f"task_routing: {profile}/{task}", model) for model in chain)
        for task, chain in self.overrides.items():
            yield from ((f"task_routing: overrides/{task}", model) for model in chain)

    def problems(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Mistakes that no single field shows: where, and what is wrong."""
        if self.active_profile not in self.chains:
            known = ", ".join(self.chains)
            yield ("active_profile",), f"`{self.active_profile}` is no profile; there are {known}"
        if self.classifier not in classifiers():
            yield ("classifier",), f"`{self.classifier}` is no classifier; installed: {', '.join(classifiers())}"
        if FALLBACK in self.overrides:
            yield ("overrides", FALLBACK), "is no task; a profile has a `fallback`, overrides are for tasks"
        for name in self.profiles:
            if _fault(name, "profile"):
                yield ("profiles", name), _fault(name, "profile")
        for at, chain in self._given():
            if _fault(str(at[-1]), "task"):
                yield at, _fault(str(at[-1]), "task")
            for i, model in enumerate(chain):
                if model.partition("/")[0].lower() in (AUTO, *self.chains):
                    yield (
                        (*at, i),
                        f"`{model}` is a task profile itself; name a model to serve, as provider/model",
                    )

    def _given(self) -> Iterator[tuple[tuple[str | int, ...], tuple[str, ...]]]:
        for name, profile in self.profiles.items():
            for task, chain in profile.root.items():
                yield ("profiles", name, task), chain
        for task, chain in self.overrides.items():
            yield ("overrides", task), chain
