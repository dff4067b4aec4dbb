"""A text that somebody wants to put in force, or that the store says is in force: can it be used here?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.apart import apart
from governance.engine.host import Host
from governance.engine.plugins import read_policy
from governance.model.errors import GovernanceError, PolicyError
from governance.policy import Policy
from governance.policy.document import Core, is_wrapped, unwrap
from governance.policy.environment import within
from governance.policy.file_only import differs_from_file
from governance.policy.literal_secrets import literal_secrets
from governance.policy.nodes import dotted, read_tree
from governance.policy.revision import document_hash
from governance.store import Revision
from governance.store.revisions import SCHEMA_VERSION


class Damaged(GovernanceError):
    """A row of the store is not what it was when it was written."""


def document_of(text: str, source: str = "policy") -> dict[str, Any]:
    """What a policy says, before the environment is filled in. Raises PolicyError where it says nothing clearly."""
    tree = read_tree(text, source)
    if tree.problems or not isinstance(tree.data, dict):
        raise PolicyError(tree.problems or [tree.problem((), "a policy is a mapping of keys to values")])
    document: dict[str, Any] = tree.data
    return document


def document_hash_of(text: str) -> str:
    """The hash of what a policy says. Raises PolicyError where it says nothing clearly."""
    return document_hash(document_of(text))


def usable(text: str, source: str, file: Core, environment: Mapping[str, str]) -> Host:
    """The policy with its plugins started.

    Args:
        source: what messages call it.
        file: the settings of this machine's policy file, of which a revision changes some not.

    Raises:
        PolicyError: with every mistake.
        GovernanceError: a plugin cannot be used.
    """
    return Host.start(apart(_judged, text, source, file, dict(environment), size=len(text)))


def _judged(text: str, source: str, file: Core, environment: Mapping[str, str]) -> Policy:
    policy = read_policy(text, source, within(environment, file.access.environment))
    tree = read_tree(text, source)
    document, root = unwrap(tree) if is_wrapped(tree.data) else (tree.data, ())
    found = [*differs_from_file(file, policy.core), *literal_secrets(policy, document)]
    if found:
        raise PolicyError([tree.problem((*root, *path), message) for path, message in found])
    return policy


def secrets_in(policy: Policy) -> list[str]:
    """Where secrets stand in a policy that is not kept in a store, and so may hold some; none of them is told."""
    tree = read_tree(policy.text, policy.source)
    document, root = unwrap(tree) if is_wrapped(tree.data) else (tree.data, ())
    return [dotted((*root, *path)) for path, _ in literal_secrets(policy, document)]


def usable_revision(revision: Revision, file: Core, environment: Mapping[str, str]) -> Host:
    """The same for a revision of the store, which somebody may have changed by other means.

    Raises:
        Damaged: it does not say what it said.
        PolicyError, GovernanceError: as above.
    """
    if revision.schema_version > SCHEMA_VERSION:
        raise Damaged(
            f"revision {revision.id} is written for format {revision.schema_version} of policies, and this version of "
            f"governance reads {SCHEMA_VERSION}; update it"
        )
    check_whole(revision)
    return usable(revision.yaml, f"revision {revision.id}", file, environment)


def check_whole(revision: Revision) -> None:
    """Raises Damaged where a revision does not say what it said."""
    try:
        found = apart(document_hash_of, revision.yaml, size=len(revision.yaml))
    except PolicyError:
        found = "nothing that could be read"
    if found != revision.hash:
        raise Damaged(
            f"revision {revision.id} is damaged: it should say {revision.hash} and says {found}; put another in force "
            "with `governance policy rollback`"
        )
