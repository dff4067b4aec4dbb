"""The corpus of configurations: what proxies are really given, and which deployments targets must reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CORPUS = Path(__file__).parent.parent / "data" / "configurations" / "corpus.yaml"


@dataclass(frozen=True)
class Configuration:
    """One proxy's files. `targets`: by name, the ids of the deployments of which one must serve; none: nobody may."""

    name: str
    files: dict[str, Any]
    targets: dict[str, list[str]]
    environment: dict[str, str]

    def write(self, folder: Path) -> Path:
        for name, content in self.files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
        return folder / "litellm.yaml"


def configurations() -> list[Configuration]:
    entries = yaml.safe_load(CORPUS.read_text("utf-8"))
    return [
        Configuration(entry["name"], entry["files"], entry["targets"], entry.get("environment", {}))
        for entry in entries
    ]
