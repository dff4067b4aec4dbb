"""`governance models`: what is known of each model."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer

from governance.cli.catalog_settings import ProviderOption, given_policy, settings_of
from governance.cli.discovered import Discovered
from governance.cli.discovery import read_models
from governance.cli.table import Table
from governance.cli.terminal import AsJson, ConfigOption, PolicyOption, clear_errors, print_json, show, shown

_NUMBERS: Final = ("in $/1M", "out $/1M", "context", "output")
_SHORT: Final = {"image_generation": "→image", "audio_generation": "→audio", "video_generation": "→video"}


def models(
    provider: ProviderOption = None,
    modality: Annotated[
        str | None, typer.Option(help="only models that take or make it, e.g. image or image_generation")
    ] = None,
    needed: Annotated[
        list[str] | None,
        typer.Option(
            "--for", metavar="WORD", help="which can serve it and which cannot, and why: image, audio, speech, …"
        ),
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="read the providers' lists first")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="also models that only LiteLLM's model map knows; implied by --provider")
    ] = False,
    policy: PolicyOption = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what is known of models: provider, cost tier, prices, context, modalities, capabilities, and who says so.

    Shown are the models that the proxy of --config serves by name, that the policy names, as targets too, and that
    providers list.
    With --for, each says whether it can serve a request that brings or wants that, and why.
    Exit code 1 when something given has mistakes or a provider could not be refreshed.
    """
    from governance.catalog import cards, installed_prices
    from governance.policy.litellm_file import read_catalog
    from governance.usecases.who_serves import named_models, who_serves, words_of

    failed = False
    with clear_errors(as_json):
        used = given_policy(policy)
        _check_modality(modality)
        if needed and modality:
            raise typer.BadParameter("--for says which models fit and why; leave out --modality", param_hint="--for")
        if refresh:
            outcomes = read_models(used, config, provider, quiet=as_json)
            failed = any(outcome.error for outcome in outcomes)
        kept = Discovered(used)
        catalog = read_catalog(config, settings_of(used).known(installed_prices(), kept.state))
        named, words = named_models(used), words_of(needed or ())
        if words:
            now_s = time.time()
            rows = who_serves(catalog, words, now_s, named=named, everything=everything, provider=provider)
        else:
            rows = cards(catalog, provider, modality, everything=everything, named=named)
        problem = kept.problem
    if as_json:
        print_json({"models": rows, "problem": problem})
    elif words:
        _print_for(rows, words, problem)
    else:
        _print(rows, problem, everything=everything or bool(provider))
    if failed:
        raise typer.Exit(1)


def _check_modality(modality: str | None) -> None:
    from governance.catalog import INPUT_MODALITIES, OUTPUT_MODALITIES

    known = dict.fromkeys((*INPUT_MODALITIES, *OUTPUT_MODALITIES))
    if modality is not None and modality not in known:
        raise typer.BadParameter(f"`{modality}` is none of {', '.join(known)}", param_hint="--modality")


def _print(rows: list[dict[str, Any]], problem: str | None, *, everything: bool) -> None:
    from rich.text import Text

    table = Table(
        "model", "tier", *_NUMBERS, "takes → makes", "can", "served", "by", names=("model",), numbers=_NUMBERS
    )
    for row in rows:
        style = "dim strike" if row["gone_since"] else ""
        table.add(*(Text(shown(cell), style=style) for cell in _cells(row)))
    summary = f"{len(rows):,} {'model' if len(rows) == 1 else 'models'}"
    show(table, summary if everything else f"{summary}; --all shows those that only LiteLLM's model map knows too")
    if problem:
        show(Text(shown(problem), style="red"))


def _print_for(rows: list[dict[str, Any]], words: tuple[str, ...], problem: str | None) -> None:
    from rich.text import Text

    table = Table("model", "serves", "why", "in $/1M", names=("model",), numbers=("in $/1M",))
    for row in rows:
        said, style = {True: ("yes", "green"), None: ("?", "yellow"), False: ("no", "dim")}[row["serves"]]
        cells = (shown(row["model"]), said, shown(row["why"]), _amount(row["input_usd_per_1m_tokens"]))
        table.add(*(Text(cell, style=style) for cell in cells))
    can = sum(row["serves"] is True for row in rows)
    show(table, f"{can:,} of {len(rows):,} models can serve {' with '.join(words)}")
    if problem:
        show(Text(shown(problem), style="red"))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    from governance.catalog.retirement import day_of, retires_at_s

    takes = row["input_modalities"]
    makes = row["output_modalities"]
    able = [name for name, can in row["capabilities"].items() if can]
    unknown = all(can is None for can in row["capabilities"].values())
    served = {None: "no", "unknown": "?"}.get(row["served_as"], "yes")
    ends = retires_at_s(row["deprecation_date"])
    served += "" if ends is None else f", retires {day_of(ends)}"
    says = dict.fromkeys(row["sources"].values())
    return (
        row["model"],
        row["tier"] or "?",
        _amount(row["input_usd_per_1m_tokens"]),
        _amount(row["output_usd_per_1m_tokens"]),
        _amount(row["max_input_tokens"]),
        _amount(row["max_output_tokens"]),
        f"{'?' if takes is None else ','.join(takes)} {_made(makes)}",
        "?" if unknown else ",".join(able),
        served if not row["gone_since"] else f"gone since {row['gone_since']}",
        ", ".join(says) or "nobody",
    )


def _made(makes: list[str] | None) -> str:
    return "→?" if makes is None else " ".join(_SHORT.get(each, f"→{each}") for each in makes)


def _amount(value: float | None) -> str:
    return "?" if value is None else f"{value:,.10g}" if isinstance(value, float) else f"{value:,}"
