"""Turns `auto`, `eco` or `balanced/code` into the models that serve such work, the best that can first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from governance.catalog import Catalog, repeated_targets, screen
from governance.hookspecs import hookimpl
from governance.model import GENERATES_TEXT, NO_FACTS, Refusal, Rejection, Request, Ruling, Selection, Target, codes
from governance.model.classification import classifier
from governance.model.conversation import Recall
from governance_plugins.task_routing.changes import task_effects, task_reach
from governance_plugins.task_routing.config import AUTO, FALLBACK, TaskRoutingConfig
from governance_plugins.task_routing.route import Route, Router, talk_of
from governance_plugins.task_routing.sureness import at_least

# A model of which nobody says that it can do these is not asked to.
_BROUGHT = frozenset({"image", "audio", "video"})
_WANTED = frozenset({"image_generation", "audio_generation", "video_generation", "embedding"})
# What is estimated may be a tenth more.
_HEADROOM = 1.1
_MADE_OTHERWISE = frozenset({"embedding", "image_generation", "transcription", "speech"})


class TaskRouting:
    """Plugin `task_routing`."""

    Config = TaskRoutingConfig
    on_error = "refuse"
    effects = staticmethod(task_effects)
    reach = staticmethod(task_reach)

    def __init__(self, config: TaskRoutingConfig) -> None:
        self.facts_read = ("last_user_text",)
        self._config = config
        self._router = Router(config, at_least(classifier(config.classifier), config.min_confidence))

    @hookimpl
    def pre_request(self, request: Request) -> Ruling | None:
        if request.targets:
            return None
        route = self._router.route(request)
        if route is None:
            return None
        if isinstance(route, Refusal):
            return Ruling(refusal=route)
        climb = _climb(self._targets(route, request))
        remarks = (*route.remarks, *climb)
        recall = self._recall(request, route)
        return Ruling(task=route.task, task_by=route.task_by, recall=recall, notes=_notes(route), remarks=remarks)

    @hookimpl
    def select_targets(self, request: Request, targets: Sequence[Target]) -> Selection | None:
        if targets:
            # A plugin that is asked before has decided where this request goes.
            return None
        route = self._router.route(request)
        if route is None or isinstance(route, Refusal):
            return None if route is None else Selection(refusal=route)
        proposed = self._targets(route, request)
        if not proposed:
            message = f"profile {route.profile} has no model for {route.task}, and no `{FALLBACK}`"
            return Selection(refusal=Refusal(400, codes.NO_ELIGIBLE_TARGET, message), notes=_notes(route))
        affinity = self._config.affinity
        stick = affinity.of(request, task=True) if affinity else None
        return Selection(_staying(request, proposed), _notes(route), stick=stick)

    def virtual_models(self, served: Sequence[str]) -> tuple[str, ...]:
        """Profiles, and their tasks, that some served model stands behind."""
        catalog = Catalog([{"model_name": name} for name in served], {})
        names: list[str] = []
        for profile in self._config.chains:
            tasks = [task for task in self._config.tasks if self._served(profile, task, catalog)]
            names += [profile, *(f"{profile}/{task}" for task in tasks)] if tasks else []
        return (AUTO, *names) if self._config.active_profile in names else tuple(names)

    def may_serve(self, model: str) -> Sequence[str]:
        """The models of every chain that a request for this name may take, whatever its task and hints."""
        prefix, _, suffix = model.partition("/")
        name, task = prefix.strip().lower(), suffix.strip().lower()
        if name == AUTO:
            profiles = tuple(self._config.chains) if self._config.allow_header else (self._config.active_profile,)
        else:
            profiles = (name,) if name in self._config.chains else ()
        tasks = (task,) if task in self._config.tasks else self._config.tasks
        found = (self._config.chain(profile, each) for profile in profiles for each in tasks)
        return tuple(dict.fromkeys(target for chain in found for target in chain))

    def warnings(self, catalog: Catalog, claimed: Callable[[str], bool]) -> Iterator[str]:
        """Names that are taken from the proxy's own models, and profiles that nobody serves; see `governance check`."""
        for chain, models in self._config.written():
            for remark in repeated_targets((model, catalog.meaning(model)) for model in models):
                yield f"task_routing: {chain}: {remark}"
        names = catalog.names
        if names is None:
            return
        reserved = (AUTO, *self._config.chains)
        for name in names:
            if name.partition("/")[0].strip().lower() in reserved:
                yield f"task_routing: the proxy's own model `{name}` cannot be asked for; `{name}` is a task profile's"
        for profile in dict.fromkeys((self._config.active_profile, *self._config.profiles)):
            for task in self._config.tasks:
                if not self._served(profile, task, catalog):
                    chain = ", ".join(self._config.chain(profile, task)) or "nothing"
                    yield f"task_routing: the proxy serves no model of {profile}/{task} ({chain})"

    def _recall(self, request: Request, route: Route) -> Recall | None:
        """What the ledger is asked of the conversation: nothing where the request says enough itself."""
        if self._config.affinity is None:
            return None
        talk = talk_of(request)
        # The first turn of all begins a conversation, whatever was said in others.
        unsure = route.how == "guessed" and (len(talk.turns) > 1 or not talk.first)
        if not unsure and not talk.calling:
            return None
        stick = self._config.affinity.of(request, task=True)
        if stick is None:
            return None
        # All that a prefix stands for is in the body, and many conversations begin alike.
        alone = route.how == "told" or stick.kind == "prefix"
        return Recall(stick, () if alone else self._config.tasks, talk.calling)

    def _served(self, profile: str, task: str, catalog: Catalog) -> bool:
        return any(catalog.call_name(name) for name in self._config.chain(profile, task))

    def _targets(self, route: Route, request: Request) -> tuple[Target, ...]:
        names = self._config.chain(route.profile, route.task)
        return _with_headroom(request, tuple(_screened(request, Target(name)) for name in names))


def _staying(request: Request, targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """While tools are called, those of the provider that has called for them go before the others."""
    if not request.stays_with:
        return targets
    provider = request.stays_with.partition("/")[0].lower()
    return tuple(sorted(targets, key=lambda each: each.name.partition("/")[0].lower() != provider))


def _with_headroom(request: Request, targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """Without those whose context the prompt would all but fill, where another one has room."""
    models = request.models
    if models is None:
        return targets
    longest = request.prompt_tokens * _HEADROOM
    tight: dict[str, int] = {}
    for target in targets:
        takes = models.facts(target.name).max_input_tokens if target.rejected is None else None
        if takes is not None and longest > takes:
            tight[target.name] = takes
    if not tight or all(target.rejected or target.name in tight for target in targets):
        return targets
    said = f"about {request.prompt_tokens:,} prompt tokens, takes {{:,}}, and another one has a tenth to spare"
    return tuple(
        target.but(rejected=Rejection(codes.CONTEXT_WINDOW_EXCEEDED, said.format(tight[target.name])))
        if target.name in tight
        else target
        for target in targets
    )


def _screened(request: Request, target: Target) -> Target:
    if request.request_type not in GENERATES_TEXT | _MADE_OTHERWISE:
        detail = f"is {request.request_type}, serves {', '.join(sorted(GENERATES_TEXT))}"
        return target.but(rejected=Rejection(codes.REQUEST_TYPE_MISMATCH, detail))
    target = screen(request, target)
    if target.rejected:
        return target
    facts = request.models.facts(target.name) if request.models else NO_FACTS
    brings, wants = request.modalities & _BROUGHT, request.modalities & _WANTED
    if brings and facts.input_modalities is None:
        detail = f"brings {', '.join(sorted(brings))}, and nobody says that it takes that"
        return target.but(rejected=Rejection(codes.CAPABILITY_MISMATCH, detail))
    if wants and facts.output_modalities is None:
        detail = f"wants {', '.join(sorted(wants))}, and nobody says that it makes that"
        return target.but(rejected=Rejection(codes.CAPABILITY_MISMATCH, detail))
    return target


def _climb(targets: tuple[Target, ...]) -> tuple[str, ...]:
    """What was passed over on the way to the first target that can serve; nothing when that is the first of all."""
    passed: list[str] = []
    for target in targets:
        if target.rejected is None:
            return (f"{'; '.join(passed)}; climbed to {target.name}",) if passed else ()
        passed.append(f"{target.name}: {target.rejected.code}")
    return ()


def _notes(route: Route) -> dict[str, str]:
    overlay = {"overlay": route.overlay} if route.overlay else {}
    return {"task": route.task, "profile": route.profile, "virtual_provider": route.profile, **overlay}
