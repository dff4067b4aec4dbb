"""Which policies can be tried on a share of the callers: those that only decide otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from governance.engine.host import Host
from governance.model.errors import GovernanceError, PolicyError
from governance.policy.document import Core
from governance.policy.nodes import read_tree
from governance.store import Revision
from governance.usecases.candidate import usable_revision

# Of these a process has one: who gets in, what is told, what is known of models.
_OF_THE_PROXY: Final = ("ledger", "access", "keys", "telemetry", "catalog")


def check_stageable(candidate: Host, active: Revision, file: Core, environment: Mapping[str, str]) -> None:
    """Raises PolicyError where a candidate changes what holds for all callers of a proxy at once."""
    try:
        in_force = usable_revision(active, file, environment)
    except GovernanceError as error:
        raise GovernanceError(
            f"a candidate is tried beside the policy in force, which cannot be used: {error}"
        ) from None
    core, other = candidate.policy.core, in_force.policy.core
    differing = [name for name in _OF_THE_PROXY if getattr(core, name) != getattr(other, name)]
    if differing:
        tree = read_tree(candidate.policy.text, candidate.policy.source)
        raise PolicyError(
            [
                tree.problem(
                    (name,),
                    f"`{name}` holds for all callers of a proxy, so it cannot be tried on a share of them; put this "
                    "change in force by itself first",
                )
                for name in differing
            ]
        )
