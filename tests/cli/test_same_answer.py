"""`check` and `explain` say of every target of the corpus what the router does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.catalog.configurations import Configuration, configurations

Command = Callable[..., Any]


@pytest.mark.parametrize("given", configurations(), ids=lambda given: given.name)
def test_check_and_explain_agree_with_the_corpus(
    given: Configuration, governance: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.write(folder)
    for name, value in given.environment.items():
        monkeypatch.setenv(name, value)
    targets = list(given.targets)
    policy = {"version": 1, "routing_profiles": [_profile(targets)]}
    (folder / "governance.yaml").write_text(yaml.safe_dump(policy), "utf-8")

    warnings = governance("check", "--config", "litellm.yaml").stdout
    shown = {
        target: governance(
            "explain",
            "-",
            "--config",
            "litellm.yaml",
            "--json",
            stdin=json.dumps({"body": {"model": f"corpus/t{i}"}, "at": "2026-01-01T00:00:00Z"}),
        ).stdout
        for i, target in enumerate(targets)
    }

    for target, text in shown.items():
        reasons = {each["target"]: each["reason"] for each in json.loads(text)["candidates"]}
        assert (reasons[target] is None) == bool(given.targets[target]), target
        spoken = target.replace("group:", "model group `") + "`" if target.startswith("group:") else f"`{target}`"
        assert (f"serves no {spoken}; this target" in warnings) == (not given.targets[target]), target


def _profile(targets: list[str]) -> dict[str, Any]:
    entries = []
    for i, target in enumerate(targets):
        provider, _, model = target.partition("/")
        named = {"group": target.removeprefix("group:")} if target.startswith("group:") else None
        entries.append({**(named or {"provider": provider, "model": model}), "virtual_model": f"t{i}"})
    return {"name": "Corpus", "virtual_provider": "corpus", "targets": entries}
