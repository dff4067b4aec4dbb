"""`governance discover` and `governance urls`: reading the models that providers list, and where that is documented."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from governance.cli.catalog_settings import (
    ProviderOption,
    given_policy,
    settings_of,
    shown_address,
)
from governance.cli.discovered import Discovered
from governance.cli.table import Table
from governance.cli.terminal import AsJson, ConfigOption, PolicyOption, clear_errors, print_json, show, shown
from governance.model.errors import GovernanceError

if TYPE_CHECKING:
    from governance.discovery import Source
    from governance.discovery.sync import Outcome
    from governance.policy import Policy
    from governance.policy.catalog import CatalogSettings

urls = typer.Typer(
    help="Show the pages about each provider's models; `set` and `reset` change them.", no_args_is_help=False
)


def discover(
    provider: ProviderOption = None,
    policy: PolicyOption = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Read the models that providers list: those that the policy or --config uses, or that there is a key for.

    What a provider answers replaces what was known of it, whole or not at all. Exit code 1 when one of them failed.
    """

    with clear_errors(as_json):
        outcomes = read_models(given_policy(policy), config, provider, quiet=as_json)
    if as_json:
        print_json({"providers": [outcome.told for outcome in outcomes]})
    else:
        _print(outcomes)
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def read_models(policy: Policy | None, config: Path | None, provider: str | None, *, quiet: bool) -> list[Outcome]:
    """Read one provider, or those in use, with progress on stderr.

    Raises:
        GovernanceError: nothing can be read; says what would help.
    """
    import asyncio

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    from governance.discovery.sync import discover as discover_sources

    kept = Discovered(policy)
    sources = _sources(settings_of(policy), kept, config)
    chosen = [s for s in sources if (s.in_use if provider is None else provider in (s.name, s.provider))]
    if not chosen and provider is not None:
        raise GovernanceError(f"`{provider}` is not known; known: {', '.join(s.name for s in sources)}")
    if not chosen:
        names = ", ".join(s.name for s in sources)
        raise GovernanceError(
            "no provider is in use: set a key such as OPENAI_API_KEY, name the proxy's file with --config, "
            f"or name one of {names} with --provider"
        )
    columns = (
        SpinnerColumn(),
        TextColumn("reading models"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True, disable=quiet) as progress:
        task = progress.add_task("", total=len(chosen), last="")

        def told(outcome: Outcome) -> None:
            progress.update(task, advance=1, last=outcome.source.name)

        return asyncio.run(discover_sources(chosen, kept.keep, told))


def _sources(settings: CatalogSettings, kept: Discovered, config: Path | None = None) -> tuple[Source, ...]:
    from governance.policy.litellm_file import read_deployments

    return settings.sources(os.environ, read_deployments(config), kept.state.docs_urls)


def _print(outcomes: list[Outcome]) -> None:
    from rich.text import Text

    table = Table("provider", "new", "gone", "as before", "", names=("provider",), numbers=("new", "gone", "as before"))
    for outcome in outcomes:
        if outcome.error:
            kept = f"; {outcome.unchanged:,} known before are kept" if outcome.unchanged else ""
            table.add(outcome.source.name, "", "", "", Text(shown(f"failed: {outcome.error}{kept}"), style="red"))
            continue
        names = ", ".join([*(f"+{name}" for name in outcome.added[:3]), *(f"-{name}" for name in outcome.removed[:3])])
        more = len(outcome.added[3:]) + len(outcome.removed[3:])
        names += f" and {more:,} more" if more else ""
        counts = (f"{len(outcome.added):,}", f"{len(outcome.removed):,}", f"{outcome.unchanged:,}")
        table.add(outcome.source.name, *counts, Text(shown(names), style="dim"))
    show(table)


@urls.callback(invoke_without_command=True)
def show_urls(context: typer.Context, policy: PolicyOption = None, as_json: AsJson = False) -> None:
    """Show the page about each provider's models, and who says so: the policy, you, or what is built in."""
    if context.invoked_subcommand:
        return
    with clear_errors(as_json):
        rows = _rows(policy)
    if as_json:
        print_json({"urls": rows})
        return
    table = Table("provider", "page", "by", names=("provider", "page"))
    for row in rows:
        table.add(row["provider"], row["url"] or "none", row["by"])
    show(table)


@urls.command("set")
def set_url(
    provider: Annotated[str, typer.Argument(help="e.g. openai")],
    url: Annotated[str, typer.Argument(help="an https page")],
    policy: PolicyOption = None,
) -> None:
    """Use another page for a provider from now on. It is asked without any key."""
    from governance.usecases.documentation_pages import with_page

    with clear_errors():
        used = given_policy(policy)
        settings = settings_of(used)
        _check_provider(settings, provider)
        Discovered(used).change(with_page(provider, url, settings.discovery.allowed_hosts))
    typer.echo(f"{provider}: {url}")


@urls.command("reset")
def reset_url(
    provider: Annotated[str | None, typer.Argument(help="left out: all of them")] = None,
    policy: PolicyOption = None,
) -> None:
    """Go back to the built-in page of a provider, or of all."""
    from governance.usecases.documentation_pages import without_page

    with clear_errors():
        used = given_policy(policy)
        if provider is not None:
            _check_provider(settings_of(used), provider)
        Discovered(used).change(without_page(provider))
        for row in _rows(policy):
            if provider in (None, row["provider"]):
                typer.echo(f"{row['provider']}: {row['url'] or 'none'}")


def _check_provider(settings: CatalogSettings, provider: str) -> None:
    from governance.discovery import KNOWN

    known = [*settings.discovery.providers, *(name for name in KNOWN if name not in settings.discovery.providers)]
    if provider not in known:
        raise GovernanceError(f"`{provider}` is not known; known: {', '.join(known)}")
    if provider in settings.discovery.providers and settings.discovery.providers[provider].docs_url:
        raise GovernanceError(f"the policy gives the page of `{provider}`; change catalog.discovery.providers there")


def _rows(policy: Path | None) -> list[dict[str, Any]]:
    used = given_policy(policy)
    settings = settings_of(used)
    kept = Discovered(used)
    rows = []
    for source in _sources(settings, kept):
        given = settings.discovery.providers.get(source.name)
        by = "policy" if given and given.docs_url else "you" if source.name in kept.state.docs_urls else "built in"
        rows.append({"provider": source.name, "url": shown_address(used, source, "docs_url"), "by": by})
    return rows
