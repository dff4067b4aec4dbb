"""Sessions: a random id in the browser's cookie, and beside it in the store the key, sealed by that id.

So whoever reads the store can log in as nobody, every worker knows every session, and a key that is withdrawn ends
its sessions: it is asked for again and again whether it still lets anybody in.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections import OrderedDict
from datetime import datetime, timezone
from functools import partial
from typing import Final, NamedTuple

from cryptography.fernet import Fernet, InvalidToken
from fastapi import Request

from governance.admin.administered import Administered
from governance.admin.answered import NotDone
from governance.model.errors import StoreUnavailable
from governance.pages.holder import Holder, Identify
from governance.usecases.logging_in import LASTS, begin_session, end_session, find_session

# A key that is withdrawn is let in for so long at most.
_BELIEVED_S: Final = 15.0
_MOST_REMEMBERED: Final = 1_000


class _Known(NamedTuple):
    holder: Holder
    until_s: float


class Sessions:
    """Those of this worker's store; where it does not answer and no other worker has to know, of this process."""

    def __init__(self, of: Administered, identify: Identify) -> None:
        self._of, self._identify = of, identify
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._here: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    async def begin(self, request: Request, key: str) -> tuple[str, Holder]:
        """A new session for whoever has this key: its id and its holder. Raises NotDone, StoreUnavailable."""
        holder = await self._identify(request, key)
        token = secrets.token_urlsafe(32)
        digest, sealed, now = _digest(token), _seal(token).encrypt(key.encode()).decode(), _now()
        try:
            await self._of.policies.ask(partial(begin_session, digest=digest, sealed=sealed, now=now))
        except StoreUnavailable:
            if not self._alone:
                raise
            self._here[digest] = (sealed, now + LASTS)
            _shorten(self._here)
        self._remember(digest, holder)
        return token, holder

    async def find(self, request: Request, token: str) -> Holder | None:
        """Whose session this is; None of one that has ended, or whose key lets nobody in any more."""
        digest = _digest(token)
        known = self._known.get(digest)
        if known is not None and known.until_s > time.monotonic():
            return known.holder
        self._known.pop(digest, None)
        sealed = await self._sealed(digest)
        if sealed is None:
            return None
        try:
            holder = await self._identify(request, _seal(token).decrypt(sealed.encode()).decode())
        except InvalidToken:
            return None
        except NotDone as error:
            if error.status >= 500:
                raise
            return None
        self._remember(digest, holder)
        return holder

    async def end(self, token: str) -> None:
        """Log out; other workers notice it within seconds."""
        digest = _digest(token)
        self._known.pop(digest, None)
        if self._here.pop(digest, None) is None:
            try:
                await self._of.policies.ask(partial(end_session, digest=digest))
            except StoreUnavailable:
                if not self._alone:
                    raise

    async def _sealed(self, digest: str) -> str | None:
        here = self._here.get(digest)
        if here is not None:
            return here[0] if here[1] > _now() else None
        try:
            return await self._of.policies.ask(partial(find_session, digest=digest, now=_now()))
        except StoreUnavailable:
            if not self._alone:
                raise
            return None

    @property
    def _alone(self) -> bool:
        """Whether no other worker has to know."""
        alone: bool = self._of.proxy["workers"] <= 1
        return alone

    def _remember(self, digest: str, holder: Holder) -> None:
        self._known[digest] = _Known(holder, time.monotonic() + _BELIEVED_S)
        _shorten(self._known)


def _shorten(kept: OrderedDict[str, _Known] | OrderedDict[str, tuple[str, datetime]]) -> None:
    while len(kept) > _MOST_REMEMBERED:
        kept.popitem(last=False)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _seal(token: str) -> Fernet:
    # The id is as random as a key of Fernet; another digest of it than the one that is stored.
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"seal " + token.encode("utf-8", "surrogatepass")).digest()))


def _now() -> datetime:
    return datetime.now(timezone.utc)
