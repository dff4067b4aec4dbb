"""Verbs about task routing: profile, task, test-route."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from governance.cli.kept import OfProxy, clear_outcome
from governance.cli.overlay import tell
from governance.cli.overlay_kept import overlay_of
from governance.cli.running_proxy import KEY_ENV, KeyEnvOption
from governance.cli.table import Table
from governance.cli.terminal import (
    AsJson,
    ConfigOption,
    PolicyOption,
    clear_errors,
    policy_path,
    print_json,
    show,
    shown,
)
from governance.model.errors import GovernanceError, LedgerUnavailable, StoreUnavailable

if TYPE_CHECKING:
    from governance.engine.decision import Decision
    from governance.engine.host import Host

SECTION: Final = "task_routing"
_NEEDS: Final = {"image": "vision", "audio": "audio_input", "video": "video_input"}

profile = typer.Typer(help="Show the task profiles and the active one, or set it.", invoke_without_command=True)


class Modality(str, Enum):
    """What a prompt may bring, and what may be wanted."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    IMAGE_GENERATION = "image_generation"
    AUDIO_GENERATION = "audio_generation"


@profile.callback()
def show_profiles(context: typer.Context, policy: PolicyOption = None, as_json: AsJson = False) -> None:
    """Show the task profiles, and which of them `auto` means; `set NAME` changes that."""
    if context.invoked_subcommand:
        return
    with clear_errors(as_json):
        config = _section(_host(policy))
        active, overlay = _active(policy, config)
    if as_json:
        print_json({"active_profile": active, "overlay": overlay, "profiles": config.chains})
        return
    table = Table("profile", "", "task", "models, in order", names=("profile", "task"))
    for name, chains in config.chains.items():
        mark = "" if name != active else "active" if overlay is None else f"active by overlay {overlay}"
        for task, chain in chains.items():
            table.add(name, mark, task, ", ".join(chain))
    show(table)


@profile.command("set")
def set_profile(
    name: Annotated[str, typer.Argument(help="the profile that `auto` shall mean")],
    until: Annotated[
        str, typer.Option("--until", help="when that ends: 2h, a time with its zone, or `never`")
    ] = "never",
    reason: Annotated[str, typer.Option("--reason", "-m", help="why; the audit keeps it")] = "",
    in_file: Annotated[bool, typer.Option("--file", help="change `active_profile` in the policy file instead")] = False,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Let `auto` mean another profile at every proxy, beside the policy; with --file, by the policy file alone."""
    if not in_file:
        asked = {"kind": "profile", "profile": name, "until": until, "reason": reason}
        with clear_outcome(as_json):
            told = overlay_of(url, key_env, policy).set(asked)
        entry = told["entry"]
        tell(told, f"{entry['id']}: {entry['what']}, until {entry['until']}", as_json)
        return
    with clear_errors(as_json):
        word = name.strip().lower()
        config = _section(_host(policy))
        if word not in config.chains:
            raise GovernanceError(f"`{name}` is no profile; there are {', '.join(config.chains)}")
        file = _change(policy, ("active_profile",), word)
    if as_json:
        print_json({"policy": str(file), "active_profile": word})
    else:
        typer.echo(f"{file}: active_profile is {word}")


def task(
    name: Annotated[str, typer.Argument(metavar="TASK", help="code, general, fast, creative, analysis, …")],
    model: Annotated[str | None, typer.Option("--set", metavar="MODEL", help="what comes first for it")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="take its override out")] = False,
    policy: PolicyOption = None,
    as_json: AsJson = False,
) -> None:
    """Show which models serve a task, in every profile; set or clear its override in the policy file."""
    if model is not None and clear:
        raise typer.BadParameter("--set and --clear exclude each other")
    with clear_errors(as_json):
        word = name.strip().lower()
        config = _section(_host(policy))
        if word not in config.tasks and model is None:
            raise GovernanceError(f"`{name}` is no task; there are {', '.join(config.tasks)}")
        if model is not None or clear:
            _change(policy, ("overrides", word), model)
            config = _section(_host(policy))
        known = word in config.tasks
        chains = {profile: config.chain(profile, word) for profile in config.chains} if known else {}
        override = config.overrides.get(word, ())
    if as_json:
        print_json({"task": word, "override": override, "chains": chains, "active_profile": config.active_profile})
        return
    typer.echo(f"{word}: override {', '.join(override) or 'none'}")
    for profile_name, chain in chains.items():
        active = " (active)" if profile_name == config.active_profile else ""
        typer.echo(f"  {profile_name}{active}: {', '.join(chain) or 'nothing'}")


def route(
    text: Annotated[str, typer.Argument(help="what a user would say")],
    profile: Annotated[str, typer.Option("--profile", help="a task profile; default: the active one")] = "auto",
    modality: Annotated[
        list[Modality] | None, typer.Option("--modality", help="what comes with it; repeatable")
    ] = None,
    policy: PolicyOption = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Classify a text and show which models would serve it, decided as the proxy decides. Exit code 1: none would."""
    import asyncio

    from governance.engine.simulation import given_from, simulate
    from governance.policy.litellm_file import read_catalog

    with clear_errors(as_json):
        host = _host(policy)
        settings = _section(host)
        said = {each.value for each in modality or ()}
        given = {
            "body": {"model": profile, "messages": [{"role": "user", "content": text}]},
            "modalities": sorted({"text", *said}),
            "capabilities": sorted(_NEEDS[each] for each in said if each in _NEEDS),
        }
        if profile.partition("/")[0].strip().lower() not in ("auto", *settings.chains):
            raise GovernanceError(f"`{profile}` is no profile; there are {', '.join(settings.chains)}")
        decision = asyncio.run(simulate(host, given_from(given), read_catalog(config)))
        found = _classified(settings.classifier, text)
    if as_json:
        print_json({"classification": found, "decision": decision.trace.record()})
    else:
        _print_route(decision, found)
    if decision.refusal:
        raise typer.Exit(1)


def _host(policy: Path | None) -> Host:
    from governance.engine.host import Host

    return Host.load(policy_path(policy))


def _active(policy: Path | None, config: Any) -> tuple[str, str | None]:
    """The active profile, and the id of the entry beside the policy that says so; None = the policy does."""
    try:
        entries = overlay_of(None, "", policy).listed()["entries"]
    except (LedgerUnavailable, StoreUnavailable) as error:
        typer.echo(f"whether another profile is active beside the policy is not known: {error}", err=True)
        entries = []
    known = [entry for entry in entries if entry["kind"] == "profile" and entry["problem"] is None]
    return (known[-1]["profile"], known[-1]["id"]) if known else (config.active_profile, None)


def _section(host: Host) -> Any:
    if SECTION not in host.policy.sections:
        raise GovernanceError(f"{host.policy.source} has no section `{SECTION}`; add `{SECTION}: {{}}` for the presets")
    return host.policy.sections[SECTION]


def _change(policy: Path | None, path: tuple[str, ...], value: str | None) -> Path:
    from governance.engine.host import Host
    from governance.policy.edit import edited, rewrite

    file = policy_path(policy)
    text = file.read_bytes().decode("utf-8-sig")
    root = ("config",) if _is_gateway_format(text) else ()
    changed = edited(text, (*root, SECTION, *path), value)
    if changed != text:
        rewrite(file, changed, Host.load)
    return file


def _is_gateway_format(text: str) -> bool:
    from governance.policy.nodes import read_tree

    data = read_tree(text, "policy").data
    return data.get("name") == "governance" and isinstance(data.get("config"), dict)


def _classified(name: str, text: str) -> dict[str, Any]:
    from governance.intake.prompt import last_user_text
    from governance.model.classification import classifier

    found = classifier(name)(last_user_text({"prompt": text}))
    return {"task": found.task, "confidence": round(found.confidence, 4), "signals": list(found.signals)}


def _print_route(decision: Decision, found: dict[str, Any]) -> None:
    notes = decision.trace.notes
    why = f" ({', '.join(dict.fromkeys(found['signals']))})" if found["signals"] else ""
    typer.echo(f"classified as {found['task']}, {found['confidence']:.2f} sure{why}")
    typer.echo(f"profile {notes.get('profile', '?')}, task {notes.get('task', '?')}")
    for candidate in decision.trace.candidates:
        mark = "✔" if candidate.chosen else "✘" if candidate.reason else "→"
        detail = f" ({candidate.detail})" if candidate.detail else ""
        state = candidate.reason or ("serves" if candidate.chosen else "next")
        typer.echo(shown(f"  {mark} {candidate.target}  {state}{detail}"))
    if decision.refusal:
        typer.echo(shown(f"refused {decision.refusal.status} {decision.refusal.code}: {decision.refusal.message}"))
