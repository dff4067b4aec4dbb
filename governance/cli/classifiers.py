"""The verb eval-classifier: how good a classifier is on labelled prompts, and how fast."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from governance.cli.table import Table
from governance.cli.terminal import AsJson, clear_errors, print_json, show
from governance.model.errors import PolicyError, Problem


def eval_classifier(
    file: Annotated[Path, typer.Argument(help='lines of JSON such as {"prompt": "Fix this bug", "label": "code"}')],
    name: Annotated[str, typer.Option("--classifier", help="an installed classifier")] = "heuristic",
    as_json: AsJson = False,
) -> None:
    """Measure a classifier on labelled prompts: accuracy, precision and recall by class, confusion and latency."""
    from governance.intake.prompt import last_user_text
    from governance.model.classification import classifier

    with clear_errors(as_json):
        classify = classifier(name)
        rows = _read(file)
        found, taken_us = [], []
        for prompt, _ in rows:
            began = time.perf_counter_ns()
            found.append(classify(last_user_text({"prompt": prompt})).task)
            taken_us.append((time.perf_counter_ns() - began) / 1000)
    measured = measure([label for _, label in rows], found) | {"latency_us": _latency(taken_us)}
    if as_json:
        print_json(measured)
    else:
        _print(measured)


def measure(wanted: Sequence[str], found: Sequence[str]) -> dict[str, Any]:
    """Accuracy, macro-F1 over the classes that occur, precision, recall and F1 of each, and what was taken for what."""
    confusion = Counter(zip(wanted, found, strict=True))
    classes = {}
    for label in sorted({*wanted, *found}):
        hits, support, said = confusion[label, label], wanted.count(label), found.count(label)
        classes[label] = {
            "precision": hits / said if said else 0.0,
            "recall": hits / support if support else 0.0,
            "f1": 2 * hits / (support + said),
            "support": support,
        }
    occurring = [each["f1"] for each in classes.values() if each["support"]]
    return {
        "prompts": len(wanted),
        "accuracy": sum(w == f for w, f in zip(wanted, found, strict=True)) / len(wanted),
        "macro_f1": sum(occurring) / len(occurring),
        "classes": classes,
        "confusion": {label: {other: confusion[label, other] for other in classes} for label in classes},
    }


def _read(file: Path) -> list[tuple[str, str]]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise PolicyError([Problem(str(file), 0, 0, "", f"cannot be read: {reason}")]) from None
    rows, problems = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        prompt, label = (row.get("prompt"), row.get("label")) if isinstance(row, dict) else (None, None)
        if isinstance(prompt, str) and isinstance(label, str):
            rows.append((prompt, label.strip().lower()))
        else:
            problems.append(Problem(str(file), number, 1, "", 'needs the texts "prompt" and "label", as JSON'))
    if not rows and not problems:
        problems.append(Problem(str(file), 0, 0, "", "holds no prompt"))
    if problems:
        raise PolicyError(problems)
    return rows


def _latency(taken_us: list[float]) -> dict[str, float]:
    ordered = sorted(taken_us)
    return {
        "p50": round(ordered[len(ordered) // 2], 1),
        "p99": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 1),
        "max": round(ordered[-1], 1),
    }


def _print(measured: dict[str, Any]) -> None:
    latency = measured["latency_us"]
    summary = (
        f"{measured['prompts']:,} prompts: accuracy {measured['accuracy']:.3f}, macro-F1 {measured['macro_f1']:.3f}; "
        f"p50 {latency['p50']:.0f} us, p99 {latency['p99']:.0f} us, max {latency['max']:.0f} us"
    )
    columns = list(measured["confusion"])
    heads = ("prompts", "precision", "recall", "F1", *(f"as {name}" for name in columns))
    table = Table("class", *heads, names=("class",), numbers=heads)
    for label, each in measured["classes"].items():
        scores = (f"{each[key]:.3f}" for key in ("precision", "recall", "f1"))
        confused = (str(measured["confusion"][label][other] or "·") for other in columns)
        table.add(label, str(each["support"]), *scores, *confused)
    show(summary, table)
