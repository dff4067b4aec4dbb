"""The Lua scripts: files, put together once, called by their SHA and sent whole where the server does not know it."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

_WITH = {
    "reserve": ("clock", "cooling", "windows", "subjects"),
    "move": ("clock", "cooling", "windows", "subjects", "records"),
    "finish": ("clock", "windows", "subjects", "records"),
    "late": ("clock", "windows", "subjects", "records"),
    "health": ("clock", "windows", "subjects", "records"),
    "reserved": ("clock", "windows", "subjects", "records"),
    "announce": ("clock", "lists"),
    "listed": ("clock",),
    "survey": ("clock",),
    "known": ("clock", "lists"),
    "ranked": ("clock", "lists"),
    "overlay": (),
    "open": ("clock",),
    "cool_down": ("clock",),
    "recovered": ("clock",),
}

SCRIPTS = tuple(_WITH)


class Script(NamedTuple):
    """One script, as bytes for the wire. `sha`: what Redis knows it by once it has run."""

    sha: bytes
    text: bytes


@lru_cache(maxsize=64)
def script(name: str, clock: str | None = None) -> Script:
    """The script `name` with the functions it needs before it.

    Args:
        clock: Lua in place of `clock.lua`, for tests that set the time.
    """
    folder = files("governance.ledger") / "lua"
    parts = [clock if part == "clock" and clock else (folder / f"{part}.lua").read_text() for part in _WITH[name]]
    body = (folder / f"{name}.lua").read_text().replace("--@records", (folder / "records.lua").read_text())
    text = "\n".join([*parts, body]).encode()
    return Script(sha1(text, usedforsecurity=False).hexdigest().encode(), text)
