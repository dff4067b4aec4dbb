"""Starts the plugins of a policy, asks them in order, times them and contains them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import pluggy

from governance import hookspecs
from governance.apart import apart
from governance.catalog import Catalog
from governance.engine.answers import as_ruled, check, note_shadows, told
from governance.engine.hooks import Hook, in_order
from governance.engine.in_force import NOTHING, InForce
from governance.engine.labels import HEADER, Demands
from governance.engine.plugins import PluginFault, plugin_class, read_policy
from governance.engine.unlabelled import own_warnings, unmet_warnings
from governance.model import Charge, Failure, Recovery, Refusal, Request, Ruling, Selection, Target, Usage, codes
from governance.model.failure_kinds import OTHER_TARGETS_WILL_NOT_HELP
from governance.model.labels import Require
from governance.policy import Policy
from governance.policy.load import read_text
from governance.trace import Trace

log = logging.getLogger("governance.engine")

HOOKS = ("pre_request", "select_targets", "charge_targets", "on_failure", "on_success")


class Host:
    """The plugins of one policy, ready to be asked."""

    def __init__(self, policy: Policy, plugins: Sequence[tuple[str, object]], overlay: InForce = NOTHING) -> None:
        """`overlay`: what is in force beside the policy, and applied to it already."""
        self.policy = policy
        self.overlay = overlay
        self.plugins = dict(plugins)
        self.demands = Demands(policy.core)
        registry = pluggy.PluginManager(hookspecs.PROJECT)
        registry.add_hookspecs(hookspecs)
        for name, plugin in plugins:
            try:
                registry.register(plugin, name)
            except pluggy.PluginValidationError as error:
                raise PluginFault(f"plugin `{name}`: {error}") from error
        try:
            registry.check_pending()
        except pluggy.PluginValidationError as error:
            faulty, what = registry.get_name(error.plugin), str(error).partition(" in plugin ")[0]
            raise PluginFault(f"plugin `{faulty}`: {what}; hooks are {', '.join(HOOKS)}") from error
        self._hooks = {hook: in_order(registry, hook, [name for name, _ in plugins]) for hook in HOOKS}
        # It leads to itself, and so would keep the plugins when this host is let go of.
        for name, _ in plugins:
            registry.unregister(name=name)

    @classmethod
    def load(cls, file: str | PathLike[str]) -> Host:
        """Read a policy file and start its plugins.

        Raises:
            PolicyError: every mistake in the policy.
            PluginFault: a plugin cannot be used.
        """
        return cls.parse(read_text(file), Path(file).name, os.environ)

    @classmethod
    def parse(cls, text: str, source: str = "policy", environment: Mapping[str, str] = {}) -> Host:
        """The same for the text of a policy."""
        return cls.start(apart(read_policy, text, source, dict(environment), size=len(text)))

    @classmethod
    def start(cls, policy: Policy) -> Host:
        """Start the plugins of a policy."""
        plugins = []
        for name in policy.order:
            try:
                plugins.append((name, plugin_class(name)(policy.sections[name])))
            except PluginFault:
                raise
            except Exception as error:  # a third party's start may raise anything
                fault, cause = f"plugin `{name}` does not start: {type(error).__name__}", error
            else:
                continue
            # Its words may hold what the environment filled in, and so may the words of what it was raised from.
            if any(path[:1] == (name,) for path in policy.written):
                raise PluginFault(f"{fault}, with what the environment fills in")
            raise PluginFault(f"{fault}: {cause}") from cause
        return cls(policy, plugins)

    def pre_request(self, request: Request, trace: Trace) -> tuple[Request, tuple[Charge, ...], Refusal | None]:
        """Ask every plugin: the request as they rewrote it, all charges, and the first refusal."""
        charges = [charge for charge in request.charges(request.limited) if charge] if request.limited else []
        request, unread = self.demands.of(request)
        if unread:
            return request, (), unread
        for hook in self._hooks["pre_request"]:
            ruling, refusal = self._ask(hook, "pre_request", trace, Ruling, request=request)
            if ruling is None:
                if refusal:
                    return request, tuple(charges), refusal
                continue
            trace.notes.update(ruling.notes)
            trace.shadow.extend({"plugin": hook.plugin, **entry} for entry in ruling.shadow)
            if ruling.refusal:
                return request, tuple(charges), ruling.refusal
            trace.stick = ruling.stick or trace.stick
            trace.task_by, trace.recall = ruling.task_by or trace.task_by, ruling.recall or trace.recall
            charges.extend(ruling.charges)
            note_shadows(ruling.charges, hook.plugin, trace)
            if ruling.model or ruling.task or ruling.targets or ruling.require:
                request = as_ruled(request, ruling)
        return request, tuple(charges), None

    def select_targets(self, request: Request, trace: Trace) -> tuple[tuple[Target, ...] | None, Refusal | None]:
        """Pass the list of targets through every plugin; None when none of them proposed any."""
        targets = request.targets
        proposed = bool(targets)
        for hook in self._hooks["select_targets"]:
            answer, refusal = self._ask(
                hook, "select_targets", trace, (Selection, list, tuple), request=request, targets=targets
            )
            if refusal:
                return targets, refusal
            if answer is None:
                continue
            selection = answer if isinstance(answer, Selection) else Selection(targets=tuple(answer))
            trace.notes.update(selection.notes)
            trace.shadow.extend({"plugin": hook.plugin, **entry} for entry in selection.shadow)
            if selection.refusal:
                return selection.targets, selection.refusal
            trace.stick = selection.stick or trace.stick
            trace.mirror = selection.mirror
            targets = selection.targets
            proposed = proposed or bool(targets)
        return (targets if proposed else None), None

    def charge_targets(
        self, request: Request, targets: Sequence[Target], trace: Trace
    ) -> tuple[tuple[Target, ...], Refusal | None]:
        """The same targets, with what every plugin charges for serving from them."""
        charged = tuple(targets)
        for hook in self._hooks["charge_targets"] if charged else ():
            answer, refusal = self._ask(hook, "charge_targets", trace, (list, tuple), request=request, targets=charged)
            if refusal:
                return charged, refusal
            if answer is None:
                continue
            if [target.name for target in answer] != [target.name for target in charged]:
                trace.step(hook.plugin, "charge_targets", "failed: returned other targets than it was given")
                if hook.needed:
                    return charged, _without(hook.plugin)
                continue
            charged = tuple(answer)
            for target in charged:
                note_shadows(target.charges, hook.plugin, trace)
        return charged, None

    def on_failure(self, request: Request, target: Target, failure: Failure, trace: Trace) -> Recovery:
        """The first plugin's word on what follows from a failed attempt."""
        for hook in self._hooks["on_failure"]:
            recovery, _ = self._ask(
                hook, "on_failure", trace, Recovery, request=request, target=target, failure=failure
            )
            if recovery is not None:
                answer: Recovery = recovery
                return answer
        return Recovery(try_next=failure.kind not in OTHER_TARGETS_WILL_NOT_HELP)

    def on_success(self, request: Request, target: Target, usage: Usage, trace: Trace) -> None:
        """Tell every plugin what was used."""
        for hook in self._hooks["on_success"]:
            self._ask(hook, "on_success", trace, object, request=request, target=target, usage=usage)

    def limit_on(self, request: Request) -> str | None:
        """The name of a limit that may bind whoever sends this, whatever it asks for; None where no plugin has one.

        A plugin that cannot say is taken to have one.
        """
        for name, plugin in self.plugins.items():
            limit_on = getattr(plugin, "limit_on", None)
            try:
                found = limit_on(request) if limit_on else None
            except Exception:  # one plugin's fault must not open what it would have kept closed
                log.exception("plugin %s cannot say whom it limits", name)
                found = name
            if found is not None:
                return str(found)
        return None

    def virtual_models(self, served: Sequence[str]) -> tuple[str, ...]:
        """The model names that plugins add to those the proxy serves."""
        found: dict[str, None] = {}
        for name, plugin in self.plugins.items():
            listing = getattr(plugin, "virtual_models", None)
            try:
                found.update(dict.fromkeys(map(str, listing(served)) if listing else ()))
            except Exception:  # what one plugin cannot list must not hide the others'
                log.exception("plugin %s cannot list its models", name)
        return tuple(found)

    def warnings(self, catalog: Catalog) -> tuple[str, ...]:
        """What plugins find in their sections that is allowed and can never work, by what the proxy serves."""

        def claimed(name: str) -> bool:
            request = Request(name, models=catalog)
            targets, refusal = self.select_targets(request, Trace(request, self.policy.revision, 0.0, "simulated"))
            return targets is not None or refusal is not None

        found: list[str] = []
        for plugin in self.plugins.values():
            warn = getattr(plugin, "warnings", None)
            found.extend(warn(catalog, claimed) if warn else ())

        def selected(request: Request) -> tuple[Target, ...]:
            return self.select_targets(request, Trace(request, self.policy.revision, 0.0, "simulated"))[0] or ()

        virtual = self.virtual_models(catalog.offered)
        found += (
            *unmet_warnings(self._all_demands, catalog, virtual, selected),
            *own_warnings(catalog, virtual, selected),
        )
        return tuple(found)

    def required(self, request: Request) -> Require:
        """The labels that whoever serves this request must have, by its caller and what it asks for; asks no ledger."""
        if not any(self._all_demands) and HEADER not in request.headers:
            return ()
        asked, _, _ = self.pre_request(request, Trace(request, self.policy.revision, request.at_s or 0.0, "simulated"))
        return asked.require

    @cached_property
    def _all_demands(self) -> tuple[Require, ...]:
        demanding = (getattr(plugin, "demands", None) for plugin in self.plugins.values())
        return (*self.demands.all, *(each for demand in demanding if demand for each in demand()))

    @property
    def reads_percent(self) -> bool:
        """Whether a plugin asks how full limits are."""
        return any(getattr(plugin, "reads_percent", False) for plugin in self.plugins.values())

    @property
    def reads_speeds(self) -> bool:
        """Whether a plugin asks how long targets keep callers waiting."""
        return any(getattr(plugin, "reads_speeds", False) for plugin in self.plugins.values())

    @property
    def facts_read(self) -> frozenset[str]:
        """What plugins say they may look at of a request."""
        return frozenset(name for plugin in self.plugins.values() for name in getattr(plugin, "facts_read", ()))

    def _ask(
        self, hook: Hook, name: str, trace: Trace, expected: Any, **arguments: Any
    ) -> tuple[Any | None, Refusal | None]:
        began = perf_counter_ns()
        try:
            answer = hook.call(*map(arguments.__getitem__, hook.arguments))
            if answer is None:
                return None, None
            check(name, answer, expected)
        except Exception as error:  # one plugin's fault must not become the caller's
            trace.step(hook.plugin, name, f"failed: {type(error).__name__}: {error}", began)
            if not hook.needed:
                return None, None
            return None, _without(hook.plugin)
        trace.step(hook.plugin, name, told(name, answer), began)
        return answer, None


def _without(plugin: str) -> Refusal:
    message = f"plugin {plugin} failed, and without it this request cannot be judged"
    return Refusal(503, codes.PLUGIN_ERROR, message, retry_after_s=1)
