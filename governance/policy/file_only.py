"""What comes from the policy file of each proxy, also where everything else comes from the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from governance.policy.document import Core
from governance.policy.nodes import Path

# What tells a proxy where to look cannot come from where it looks. And who may change a policy over the network shall
# not reach every secret of the machine by it.
OF_THE_FILE: Final = ("policy", "store", "ledger.url", "on_contract_breach", "access.environment")


def differs_from_file(file: Core, other: Core) -> Iterator[tuple[Path, str]]:
    """What a revision may not change, each with where it stands and what is wrong."""
    for name in OF_THE_FILE:
        path = tuple(name.split("."))
        if _at(file, path) != _at(other, path):
            yield path, f"`{name}` is taken from the policy file of each proxy, and must be here as it is there"


def _at(core: Core, path: tuple[str, ...]) -> object:
    found: object = core
    for part in path:
        found = getattr(found, part)
    return found
