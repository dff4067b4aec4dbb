"""The verb eval-classifier: how good a classifier is on labelled prompts, what its errors cost, and how fast it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from governance.cli.table import Table
from governance.cli.terminal import AsJson, ConfigOption, PolicyOption, clear_errors, print_json, show
from governance.model.errors import GovernanceError

if TYPE_CHECKING:
    from governance.model.classification import Classification
    from governance.usecases.labelled import Labelled


def eval_classifier(
    file: Annotated[Path, typer.Argument(help='lines of JSON such as {"prompt": "Fix this bug", "label": "code"}')],
    name: Annotated[str, typer.Option("--classifier", help="an installed classifier")] = "heuristic",
    profile: Annotated[
        str, typer.Option("--profile", help="the task profile that errors are priced by; default: the active one")
    ] = "auto",
    answer_tokens: Annotated[
        int, typer.Option("--answer-tokens", min=0, help="how long an answer is taken to be")
    ] = 500,
    policy: PolicyOption = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure a classifier on labelled prompts: accuracy and F1 with intervals, confusion, calibration, what errors
    cost, and latency. Without --policy the presets are what errors are priced by."""
    from governance.model.classification import classifier
    from governance.policy.litellm_file import read_catalog
    from governance.usecases.classifier_quality import calibration, measure, thresholds
    from governance.usecases.labelled import read_labelled
    from governance.usecases.misrouted import cost_of_errors

    with clear_errors(as_json):
        classify = classifier(name)
        prompts = read_labelled(file)
        first = _first_models(policy, profile, [each.label for each in prompts])
        catalog = read_catalog(config)
        found, taken_us = _asked(classify, prompts)
    tasks = [each.task for each in found]
    right = [task == each.label or task in each.also for task, each in zip(tasks, prompts, strict=True)]
    sure = [each.confidence for each in found]
    first |= {task: first.get(task, first.get("general")) for task in tasks}
    measured = measure([each.label for each in prompts], tasks, [each.also for each in prompts]) | {
        "calibration": calibration(right, sure),
        "thresholds": thresholds(right, sure),
        "cost_for_1000": cost_of_errors(prompts, tasks, first, catalog, answer_tokens),
        "latency_us": _latency(taken_us),
    }
    if as_json:
        print_json(measured)
    else:
        _print(measured)


def _asked(
    classify: Callable[[str], Classification], prompts: list[Labelled]
) -> tuple[list[Classification], list[float]]:
    found, taken_us = [], []
    for each in prompts:
        began = time.thread_time_ns()
        found.append(classify(each.text))
        taken_us.append((time.thread_time_ns() - began) / 1000)
    return found, taken_us


def _first_models(policy: Path | None, profile: str, labels: list[str]) -> dict[str, str | None]:
    """The model that comes first for each task in a profile; None where there is none."""
    from governance.engine.host import Host

    host = Host.parse('{"task_routing": {}}') if policy is None else Host.load(policy)
    section: Any = host.policy.sections.get("task_routing")
    if section is None:
        raise GovernanceError(f"{host.policy.source} has no section `task_routing`; leave --policy out for the presets")
    word = profile.strip().lower()
    word = section.active_profile if word == "auto" else word
    if word not in section.chains:
        raise GovernanceError(f"`{profile}` is no profile; there are {', '.join(section.chains)}")
    return {task: next(iter(section.chain(word, task)), None) for task in (*section.tasks, *labels)}


def _latency(taken_us: list[float]) -> dict[str, float]:
    ordered = sorted(taken_us)
    return {
        "p50": round(ordered[len(ordered) // 2], 1),
        "p99": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 1),
        "max": round(ordered[-1], 1),
    }


def _print(measured: dict[str, Any]) -> None:
    latency = measured["latency_us"]
    figures = ", ".join(
        f"{told} {measured[key]:.3f} {_interval(measured[f'{key}_interval'])}"
        for told, key in (("accuracy", "accuracy"), ("macro-F1", "macro_f1"))
    )
    took = f"p50 {latency['p50']:.0f} us, p99 {latency['p99']:.0f} us, max {latency['max']:.0f} us of CPU"
    summary = f"{measured['prompts']:,} prompts: {figures}; {took}"
    columns = list(measured["confusion"])
    heads = ("prompts", "precision", "recall", "F1", *(f"as {name}" for name in columns))
    table = Table("class", *heads, names=("class",), numbers=heads)
    for label, each in measured["classes"].items():
        shares = (f"{each[key]:.3f} {_interval(each[f'{key}_interval'])}" for key in ("precision", "recall"))
        confused = (str(measured["confusion"][label][other] or "·") for other in columns)
        table.add(label, str(each["support"]), *shares, f"{each['f1']:.3f}", *confused)
    show(summary, table)
    sure = Table("confidence from", "prompts", "says", "right", numbers=("prompts", "says", "right"))
    for row in measured["calibration"]["table"]:
        sure.add(f"{row['from']:.1f}", f"{row['prompts']:,}", f"{row['confidence']:.2f}", f"{row['right']:.2f}")
    show(f"\nconfidence is off by {measured['calibration']['expected_error']:.3f} on average", sure)
    at_least = ", ".join(
        f"{row['at_least']:.1f}: {row['share']:.0%} of prompts, {row['right']:.0%} right"
        for row in measured["thresholds"]
    )
    if at_least:
        typer.echo(f"min_confidence {at_least}")
    typer.echo(_money(measured["cost_for_1000"]))


def _interval(interval: list[float]) -> str:
    return f"[{interval[0]:.3f}, {interval[1]:.3f}]"


def _money(cost: dict[str, Any]) -> str:
    if cost["as_labelled_usd_micros"] is None:
        return "what errors cost is not known: no price of these models is"
    usd = {name: f"{amount / 1e6:,.2f} USD" for name, amount in cost.items() if name.endswith("usd_micros")}
    unpriced = f"; {cost['unpriced']:,} prompts without a price are left out" if cost["unpriced"] else ""
    return (
        f"1,000 such requests cost {usd['as_labelled_usd_micros']} as labelled and {usd['as_found_usd_micros']} as "
        f"found: errors pay {usd['dearer_usd_micros']} for dearer models and save {usd['cheaper_usd_micros']} by "
        f"cheaper ones, at {cost['answer_tokens']:,} tokens for an answer{unpriced}"
    )
