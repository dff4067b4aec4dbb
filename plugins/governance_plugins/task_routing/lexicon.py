"""Which groups of words a word belongs to; the groups stand in lexicon.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml

from governance_plugins.task_routing.words import stem


def _groups_of() -> dict[str, tuple[str, ...]]:
    """The groups of each word that has any, by its stem. Some words belong to several."""
    found: dict[str, tuple[str, ...]] = {}
    groups = yaml.safe_load(Path(__file__).with_name("lexicon.yaml").read_text("utf-8"))
    for group, words in groups.items():
        for word in words.split():
            own = found.get(stem(word), ())
            found[stem(word)] = own if group in own else (*own, group)
    return found


GROUPS_OF: Final = _groups_of()
