"""The policy in force as pages show it and change it, wherever it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from governance.admin.administered import Administered
from governance.admin.answered import NotDone
from governance.model.errors import StoreUnavailable
from governance.policy.patch import patch
from governance.usecases.candidate import Damaged, check_whole, secrets_in
from governance.usecases.revisions import show
from governance.usecases.whereabouts import first_difference

_ANY: Final = "*"


@dataclass(frozen=True)
class InForce:
    """Args:
    hash: of what it says.
    """

    text: str
    hash: str
    source: Literal["file", "database"]

    @property
    def editable(self) -> bool:
        """Whether it can be changed here."""
        return self.source == "database"

    @property
    def etag(self) -> str:
        return etag(self.hash)


async def in_force(of: Administered) -> InForce:
    """The policy in force; while the store does not answer, or not with what it was given, that of this worker."""
    policy, source = of.engine.host.policy, of.policies.source
    if source == "database":
        try:
            active = await of.policies.ask(show)
            check_whole(active)
        except (StoreUnavailable, Damaged):
            pass
        else:
            return InForce(active.yaml, active.hash, source)
    return InForce(policy.text, policy.revision, source)


def etag(hash: str) -> str:
    """A hash as RFC 9110, section 8.8.3, wants it."""
    return f'"{hash}"'


def base_of(if_match: str | None) -> str | None:
    """The hash that a change was made from; None = whichever is in force. Raises NotDone where it is not said."""
    if if_match is None:
        message = "say by the header if-match which policy yours was made from: the etag of GET policy, or *"
        raise NotDone(428, "base_required", message)
    # A proxy on the way may have made the tag a weak one by compressing the page.
    tag = if_match.strip().removeprefix("W/").strip('"')
    return None if tag == _ANY else tag


def policy_is_a_file(of: Administered, wanted: str | None) -> NotDone:
    """Where to edit the file, and the patch to commit, where the file is the truth.

    Args:
        wanted: the text that was to be put in force.
    """
    policy = of.engine.host.policy
    line, path = (1, "") if wanted is None else first_difference(policy.text, wanted)
    where = f"{of.policies.file}:{line}"
    message = (
        f"the policy of this proxy is its file: edit {where}{f' ({path})' if path else ''}, which is in force within a "
        "second; or let the store keep it, by `policy: {source: database}` there"
    )
    more: dict[str, Any] = {"file": str(of.policies.file), "line": line}
    if wanted is not None:
        # A patch repeats lines around what it changes.
        more["patch"] = None if secrets_in(policy) else patch(policy.text, wanted, of.policies.file.name)
    return NotDone(409, "policy_is_a_file", message, **more)
