"""`governance models`: what is known of each model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from governance.cli.catalog_settings import ProviderOption, given_policy, settings_of
from governance.cli.discovered import Discovered
from governance.cli.discovery import read_models
from governance.cli.table import Table
from governance.cli.terminal import AsJson, ConfigOption, PolicyOption, clear_errors, print_json, show, shown

if TYPE_CHECKING:
    from governance.policy import Policy

_NUMBERS: Final = ("in $/1M", "out $/1M", "context", "output")
_SHORT: Final = {"image_generation": "→image", "audio_generation": "→audio", "video_generation": "→video"}


def models(
    provider: ProviderOption = None,
    modality: Annotated[
        str | None, typer.Option(help="only models that take or make it, e.g. image or image_generation")
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
    Exit code 1 when something given has mistakes or a provider could not be refreshed.
    """
    from governance.catalog import cards, installed_prices
    from governance.policy.litellm_file import read_catalog

    failed = False
    with clear_errors(as_json):
        used = given_policy(policy)
        _check_modality(modality)
        if refresh:
            outcomes = read_models(used, config, provider, quiet=as_json)
            failed = any(outcome.error for outcome in outcomes)
        kept = Discovered(used)
        catalog = read_catalog(config, settings_of(used).known(installed_prices(), kept.state))
        rows = cards(catalog, provider, modality, everything=everything, named=_named(used))
        problem = kept.problem
    if as_json:
        print_json({"models": rows, "problem": problem})
    else:
        _print(rows, problem, everything=everything or bool(provider))
    if failed:
        raise typer.Exit(1)


def _named(policy: Policy | None) -> list[str]:
    """The models that targets name; groups are none."""
    from governance.engine.named import named_targets
    from governance.model import group_of

    return [target for target in named_targets(policy) if group_of(target) is None] if policy else []


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
