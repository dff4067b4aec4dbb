"""What a change of a policy does to callers, in the words that every plan uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Effect = Literal["tightens", "loosens", "reroutes", "grants", "revokes", "restarts_count", "cosmetic"]
EFFECTS: Final[tuple[Effect, ...]] = get_args(Effect)


@dataclass(frozen=True, slots=True)
class SectionChange:
    """One difference between a plugin's section in two policies.

    Args:
        kind: whether the entry as a whole came, went, got another name or place, or something in it changed. A section
            that is no list of named entries is one entry.
        path: what changed inside the entry: a key, then keys and positions. () where `kind` is not `changed`.
        before, after: the entry in both policies, validated; None where it is not there, and for `moved`.
        old, new: the whole section in both policies, validated; None where the policy does not use the plugin.
    """

    kind: Literal["added", "removed", "changed", "renamed", "moved"]
    path: tuple[str | int, ...]
    before: Any
    after: Any
    old: Any
    new: Any

    @property
    def field(self) -> str:
        """The key of the entry that changed; "" for the entry as a whole."""
        return str(self.path[0]) if self.path else ""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom an entry that changes can touch, and with what, before and after.

    Args:
        callers: whom it binds or routes, each as a subject is counted, such as `team:research` and `team:*` for each
            team by itself; () = everybody.
        asks: what has to be asked for, such as `fast/*`; () = whatever.
        granted: who may serve them from now on; `*` stands for the model that is asked for.
        revoked: who may no longer.
    """

    callers: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()


def ranked(before: int, after: int, more: Effect, less: Effect) -> set[Effect]:
    """The effect of a value that went up or down."""
    return {more} if after > before else {less} if after < before else {"cosmetic"}


def gained(before: frozenset[Any], after: frozenset[Any]) -> set[Effect]:
    """Whether somebody may be served by what he could not, or no longer by what he could."""
    found: set[Effect] = set()
    if after - before:
        found.add("grants")
    if before - after:
        found.add("revokes")
    return found
