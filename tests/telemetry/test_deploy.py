"""The dashboard and the alert rules speak of metrics and labels that exist. Their syntax: `promtool`, see deploy/."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, Histogram

from governance.telemetry.metrics import PREFIX, Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
# What Prometheus adds, and what its functions name.
ADDED = {"job", "instance", "le"}


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """The labels of each series of ours, by its name."""
    registry = CollectorRegistry()
    Metrics(registry)
    found: dict[str, set[str]] = {}
    for collector, names in registry._collector_to_names.items():
        labels = set(collector._labelnames)  # type: ignore[attr-defined]
        wanted = ("_bucket", "_count", "_sum") if isinstance(collector, Histogram) else ("", "_total")
        for name in names:
            if name.endswith(wanted) and not name.endswith("_created"):
                found[name] = labels
    return found


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((DEPLOY / "grafana" / "governance.json").read_text())["panels"]
    return found


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel.get("targets", ()))


def series(expression: str) -> list[tuple[str, set[str]]]:
    """Each series that is asked for, with the labels that are compared."""
    found = re.findall(rf"\b({PREFIX}\w+)(?:\{{([^}}]*)\}})?", expression)
    return [(name, set(re.findall(r"(\w+)\s*[=!]~?[\"=~]?", labels))) for name, labels in found]


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_metric_and_label_that_is_asked_for_exists(expression: str, known: dict[str, set[str]]) -> None:
    asked = series(expression)
    assert asked
    grouped = {name.strip() for names in re.findall(r"by \(([^)]*)\)", expression) for name in names.split(",")}
    for name, compared in asked:
        assert name in known
        assert compared <= known[name] | ADDED
        assert grouped <= set().union(*(known[each] for each, _ in asked)) | ADDED


def test_every_metric_is_on_the_dashboard(known: dict[str, set[str]]) -> None:
    text = " ".join(target["expr"] for panel in panels() for target in panel.get("targets", ()))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in known}

    assert {name for name in families if not re.search(rf"{name}(_total|_bucket)?\b", text)} == set()


def test_every_metric_and_its_labels_are_documented(known: dict[str, set[str]]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "observability.md").read_text()
    for name, labels in known.items():
        family = re.sub(r"_(bucket|count|sum)$", "", name)
        row = next((line for line in text.splitlines() if f"`{family}`" in line or f"`{family}_total`" in line), "")
        assert row, family
        assert {label for label in labels if f"`{label}`" not in row} == set(), family


def test_legends_name_labels_that_their_query_keeps() -> None:
    for panel in panels():
        for target in panel.get("targets", ()):
            kept = {n.strip() for names in re.findall(r"by \(([^)]*)\)", target["expr"]) for n in names.split(",")}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept, target


def test_the_panels_of_the_dashboard_do_not_overlap_and_have_ids_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)


def test_every_rule_has_a_test() -> None:
    tests = (DEPLOY / "prometheus" / "alerts.test.yaml").read_text()

    for rule in rules():
        assert rule["alert"] in tests
        assert {"summary", "description"} <= rule["annotations"].keys()
        assert rule["labels"]["severity"] in ("critical", "warning")
