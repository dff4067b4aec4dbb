"""The files that a browser loads beside a page, read once."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final, NamedTuple

_TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
PREFIX: Final = "/governance/ui/static/"


class Asset(NamedTuple):
    """One file."""

    content: bytes
    media_type: str
    hashed_name: str


class Assets:
    """All of them, by the names that pages use and by those that browsers ask for."""

    def __init__(self) -> None:
        folder = files("governance.pages") / "static"
        self._by_name = {
            file.name: _asset(file.name, file.read_bytes())
            for file in folder.iterdir()
            if file.name.rpartition(".")[2] in _TYPES
        }
        self.by_hashed_name = {asset.hashed_name: asset for asset in self._by_name.values()}

    def url(self, name: str) -> str:
        """Where a browser finds it."""
        return PREFIX + self._by_name[name].hashed_name


def _asset(name: str, content: bytes) -> Asset:
    stem, _, ending = name.rpartition(".")
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(content, _TYPES[ending], f"{stem}.{digest}.{ending}")


ASSETS: Final = Assets()
