"""Keys made, rotated and switched off: the secret for its holder, its digest for the policy."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from governance.engine.keyring import digest_of
from governance.model.errors import GovernanceError
from governance.policy.keys import Digest, Key

PREFIX: Final = "sk-gov-"
_BYTES: Final = 32


class NoKey(GovernanceError):
    """No key can be made of that.

    Args:
        field: of the entry, that is wrong.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


class Made(NamedTuple):
    """Args:
    secret: shown once; nothing keeps it.
    entry: of the policy's section `keys`.
    """

    secret: str
    entry: dict[str, Any]


def made(**given: Any) -> Made:
    """A new key. Raises NoKey.

    Args:
        given: the fields of its entry; what is empty is not said.
    """
    secret = PREFIX + secrets.token_urlsafe(_BYTES)
    return Made(secret, entry_of(secret, **given))


def entry_of(secret: str, **given: Any) -> dict[str, Any]:
    """The entry for a key that is there. Raises NoKey."""
    said = {field: value for field, value in given.items() if value and field != "name"}
    entry = {"name": given.get("name", ""), "sha256": digest_of(secret), **said}
    _check(entry)
    return entry


def rotated(entry: Mapping[str, Any], ends: datetime) -> Made:
    """The same key with one more secret; those that it has end then, or sooner where they do. Raises NoKey.

    Its first digest stays the first: it is the key's id, by which limits count.
    """
    secret = PREFIX + secrets.token_urlsafe(_BYTES)
    there = entry["sha256"] if isinstance(entry["sha256"], list) else [entry["sha256"]]
    digests = [_ending(each, ends) for each in there]
    changed = {**entry, "sha256": [*digests, digest_of(secret)]}
    _check(changed)
    return Made(secret, changed)


def switched(entry: Mapping[str, Any], on: bool) -> dict[str, Any]:
    """The same key, let in or not; whoever shows it is told."""
    rest = {key: value for key, value in entry.items() if key != "enabled"}
    return rest if on else {**rest, "enabled": False}


def state_of(key: Key, now: datetime) -> tuple[str, datetime | None]:
    """`valid`, `off` or `expired`, and when the last of its secrets ends; None = never."""
    ends = [min(filter(None, (key.expires, each.expires)), default=None) for each in key.sha256]
    last = None if None in ends else max(end for end in ends if end is not None)
    if not key.enabled:
        return "off", last
    return ("expired" if last is not None and last <= now else "valid"), last


def _ending(digest: Any, ends: datetime) -> dict[str, Any]:
    said = dict(digest) if isinstance(digest, Mapping) else {"sha256": digest}
    try:
        there = Digest.model_validate(said).expires
    except ValidationError:  # the key is checked as a whole, and told so
        return said
    return said if there is not None and there <= ends else {**said, "expires": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}


def _check(entry: Mapping[str, Any]) -> None:
    try:
        Key.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        raise NoKey(str(first["loc"][0]), str(first.get("ctx", {}).get("error", first["msg"]))) from None
