"""The keys of one policy: whose key it is that somebody shows, and what that key may ask for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Final, Protocol

from governance.catalog.identity import spellings
from governance.engine.host import Host
from governance.hookspecs import hookimpl
from governance.model import Refusal, Rejection, Request, Target, codes, group_of
from governance.model.target import member_of
from governance.policy.keys import Digest, Key
from governance.policy.name_pattern import arrives_as_written

NO_KEY: Final = Refusal(401, codes.ACCESS_NOT_FOUND, "no key was sent; send one as `Authorization: Bearer …`")
UNKNOWN: Final = Refusal(401, codes.ACCESS_NOT_FOUND, "this key is not known here")


class Served(Protocol):
    """What is behind the names that a proxy serves; see `governance.proxy.models`."""

    def served_by(self, name: str) -> Sequence[tuple[str, str]]:
        """Every provider and base model that may answer when the proxy is asked for `name`, and, without a provider,
        every other name of the proxy's that it is asked by.
        """


class Keyring:
    """Found by digest: what is looked up is no secret, and says nothing of the secret that it was made from."""

    def __init__(self, keys: Iterable[Key]) -> None:
        # No comparison in constant time: how long a dict takes tells at most how a digest begins, and a caller cannot
        # choose the digest of what it sends.
        self._by_digest = {digest.sha256: (key, digest) for key in keys for digest in key.sha256}

    @property
    def restricts(self) -> bool:
        """Whether there are models that any key may not ask for."""
        return any(key.restricted for key, _ in self._by_digest.values())

    def of(self, digest: str) -> Key | None:
        """The key with this digest, valid or not; for callers that were let in already."""
        found = self._by_digest.get(digest)
        return found[0] if found else None

    def knows(self, secret: str) -> bool:
        """Whether it is a key of the policy, be it switched off or expired."""
        return bool(secret) and digest_of(secret) in self._by_digest

    def admit(self, secret: str, now_s: float) -> Key | Refusal:
        """The valid key that `secret` is, or why it lets nobody in.

        Args:
            now_s: Unix seconds.
        """
        if not secret:
            return NO_KEY
        found = self._by_digest.get(digest_of(secret))
        if found is None:
            return UNKNOWN
        key, shown = found
        if not key.enabled:
            return Refusal(403, codes.ACCESS_BLOCKED, f"key {key.name} is switched off")
        ended = _ended(key, shown, datetime.fromtimestamp(now_s, timezone.utc))
        if ended is not None:
            return Refusal(403, codes.ACCESS_BLOCKED, f"key {key.name} expired on {ended:%Y-%m-%d at %H:%M} UTC")
        return key


def digest_of(secret: str) -> str:
    """What stands in a policy for a key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def may_call(key: Key, name: str, served: Served) -> bool:
    """Whether a key may ask for a model of this name, also by what is behind the name."""
    if not key.restricted:
        return True
    return arrives_as_written(name) and key.lists(name) and not key.denies(_names(name, served))


def model_refusal(key: Key, asked: Iterable[str], served: Served) -> Refusal | None:
    """The refusal of the first model that a key may not ask for; None when it may ask for all of these."""
    for name in asked:
        # LiteLLM takes several models in one name; a wildcard must not let one pass with the other.
        if not all(may_call(key, part, served) for part in {name, *map(str.strip, name.split(","))}):
            return Refusal(403, codes.MODEL_NOT_ALLOWED, f"key {key.name} may not use the model {name[:100]}")
    return None


class DeniedTargets:
    """Asked like a plugin, after all others: no target that a key denies may serve it, whoever proposed the target."""

    on_error = "refuse"

    def __init__(self, keyring: Keyring, served: Served) -> None:
        self._keyring = keyring
        self._served = served

    @hookimpl
    def select_targets(self, request: Request, targets: Sequence[Target]) -> Sequence[Target] | None:
        key = self._keyring.of(request.identity.virtual_key_id)
        if key is None or not key.denied_models:
            return None
        denied = Rejection(codes.MODEL_NOT_ALLOWED, f"denied to key {key.name}")
        if not targets:
            # A rule may have rewritten the model, and a model of that name then serves without being proposed.
            return [Target(request.model, rejected=denied)] if self._denies(key, request, request.model) else None
        return [
            target.but(rejected=denied) if not target.rejected and self._denies_all(key, request, target) else target
            for target in targets
        ]

    @hookimpl
    def charge_targets(self, request: Request, targets: Sequence[Target]) -> Sequence[Target] | None:
        """Each of those that may serve a target together is asked about by itself, and so is what LiteLLM tries by
        itself: the fallbacks of its router, whatever kind they are of, also for a request that nothing governs.
        """
        key = self._keyring.of(request.identity.virtual_key_id)
        if key is None or not key.restricted:
            return None
        refused = [None if target.rejected else self._rejection(key, request, target) for target in targets]
        if not any(refused) and all(member_of(target.name)[1] is None for target in targets):
            return None
        return [t.but(rejected=found) if found else t for t, found in zip(targets, refused, strict=True)]

    def _rejection(self, key: Key, request: Request, target: Target) -> Rejection | None:
        whole, member = member_of(target.name)
        if target.asked and not key.lists(whole):
            return Rejection(codes.MODEL_NOT_ALLOWED, f"not on the model list of key {key.name}")
        if (target.asked or member is not None) and self._denies(key, request, target.name):
            return Rejection(codes.MODEL_NOT_ALLOWED, f"denied to key {key.name}")
        return None

    def _denies_all(self, key: Key, request: Request, target: Target) -> bool:
        members = request.models.members(target.name) if request.models else ()
        name = group_of(target.name) or target.name
        # Without a provider stand the other names of what serves: whoever denies one of them means all of it.
        others = (model for provider, model in self._served.served_by(name) if not provider)
        return key.denies({target.name, name, *others}) or all(
            self._denies(key, request, each) for each in members or (target.name,)
        )

    def _denies(self, key: Key, request: Request, name: str) -> bool:
        # A team may be served by others than everybody else.
        here = _spelled(request.models.served_by(name)) if request.models else ()
        return key.denies({*_names(name, self._served), *here})


def _names(name: str, served: Served) -> set[str]:
    return {name, *_spelled(served.served_by(name))}


def _spelled(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for provider, model in pairs:
        yield from spellings(provider, model) if provider else (model,)


def _ended(key: Key, shown: Digest, now: datetime) -> datetime | None:
    ends = [end for end in (key.expires, shown.expires) if end is not None and end <= now]
    return min(ends).astimezone(timezone.utc) if ends else None


def denying(host: Host, keyring: Keyring, served: Served) -> Host:
    """The same plugins, and one that keeps keys from the targets that they are denied, where there are such keys."""
    if not keyring.restricts:
        return host
    return Host(host.policy, [*host.plugins.items(), ("keys", DeniedTargets(keyring, served))])
