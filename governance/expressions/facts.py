"""What the conditions of a policy see of one request, cut to the sizes that were promised when they were loaded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from functools import cache, lru_cache
from importlib import import_module
from itertools import islice
from typing import Any, Final, NamedTuple

from governance.catalog import provider_and_model
from governance.expressions.variables import (
    ENTRIES,
    ENTRY_BYTES,
    HEAD_BYTES,
    HIDDEN,
    METADATA_DEPTH,
    METADATA_NODES,
    NAME_BYTES,
    PERCENTS,
    SOME,
    STRINGS,
    TAG_BYTES,
    TEXT_BYTES,
    TOTAL_BYTES,
    VARIABLES,
    plain,
)
from governance.model import Percent, Request


class Reads(NamedTuple):
    """What is needed of a request: names of variables (hidden ones too), and the entries of maps that are named."""

    names: frozenset[str] = frozenset()
    keys: frozenset[tuple[str, ...]] = frozenset()

    @classmethod
    def union(cls, several: Iterable[Reads]) -> Reads:
        """All that any of them needs."""
        names: set[str] = set()
        keys: set[tuple[str, ...]] = set()
        for reads in several:
            names |= reads.names
            keys |= reads.keys
        return cls(frozenset(names), frozenset(keys))

    @property
    def told(self) -> frozenset[str]:
        """The same as people write it: `team_id`, `headers.x-tier`, and `headers` where more than entries is needed."""
        entries = {".".join(key) for key in self.keys}
        mapped = {key[0] for key in self.keys}
        whole = {plain(name) for name in self.names if name.endswith(SOME) or plain(name) not in mapped}
        return frozenset(entries | whole)


class Facts:
    """One request as conditions see it. Each value is read at most once, and only when it is needed.

    Args:
        reads: everything that conditions evaluated on it may look at.
    """

    __slots__ = ("_activation", "_lists", "_percent", "_seen", "_split", "reads", "request")

    def __init__(self, request: Request, reads: Reads) -> None:
        self.request = request
        self.reads = reads
        self._seen: dict[tuple[str, ...], str | None] = {}
        self._activation: Any = None
        self._lists: dict[str, list[str]] = {}
        self._percent: Percent | None = None
        self._split: tuple[str, str] | None = None

    @property
    def activation(self) -> Any:
        """The same for the CEL library."""
        if self._activation is None:
            values = {name: _VALUES[name](self) for name in self.reads.names}
            self._activation = environment().Activation(values)
        return self._activation

    def text(self, key: tuple[str, ...]) -> str | None:
        """The value of `("model",)` or `("headers", "x-tier")`; None when there is no such entry, or it is no text."""
        try:
            return self._seen[key]
        except KeyError:
            value = self._seen[key] = self._text(key)
            return value

    def _text(self, key: tuple[str, ...]) -> str | None:
        if len(key) == 1:
            value: str = _VALUES[key[0]](self)
            return value
        if key[0] == "metadata":
            verified = self.request.identity.metadata.get(key[1])
            return _cut(verified, HEAD_BYTES) if isinstance(verified, str) else None
        found: str | None = getattr(self.request, key[0]).get(key[1])
        return None if found is None else _cut(found, TEXT_BYTES)

    def given(self, within: str) -> Mapping[str, Any]:
        """`headers`, `params` or `metadata`, as the request brings them."""
        of = self.request.identity if within == "metadata" else self.request
        given: Mapping[str, Any] = getattr(of, within)
        return given

    def listed(self, name: str) -> list[str]:
        """`tags`, `modalities` or `capabilities`."""
        found = self._lists.get(name)
        if found is None:
            given = getattr(self.request, name)
            found = self._lists[name] = _listed(given if name == "tags" else sorted(given))
        return found

    def number(self, name: str) -> float:
        """A number that the request brings, or how full its limits are."""
        if name in PERCENTS:
            if self._percent is None:
                levels = self.request.levels
                self._percent = levels.percent(self.request) if levels else Percent()
            return float(getattr(self._percent, name))
        return getattr(self.request, name) or 0

    @property
    def split(self) -> tuple[str, str]:
        """Provider and model asked for."""
        if self._split is None:
            self._split = provider_and_model(self.request.model)
        return self._split


@cache
def environment() -> Any:
    """The CEL library, with our variables declared and nothing besides the standard functions."""
    try:
        cel = import_module("cel_expr_python.cel")
    except ImportError as error:
        raise ValueError(f"conditions need the package cel-expr-python (Python 3.11 or newer): {error}") from None
    kind = cel.Type
    types = {
        "string": kind.STRING,
        "texts": kind.Map(kind.STRING, kind.STRING),
        "values": kind.Map(kind.STRING, kind.DYN),
        "list": kind.List(kind.STRING),
        "int": kind.INT,
        "double": kind.DOUBLE,
        "timestamp": kind.TIMESTAMP,
    }
    declared: Any = {name: types[of] for name, of in {**VARIABLES, **HIDDEN}.items()}
    return cel.NewEnv(variables=declared)


def _cut(text: str, size: int) -> str:
    # The library would end a text at a NUL, and find `premium` in `premium` + NUL + `x`.
    if "\0" in text:
        text = text[:size].replace("\0", "\ufffd")
    if text.isascii():
        return text if len(text) <= size else text[:size]
    # What is no Unicode text (half a surrogate pair) must not reach the library.
    return text[:size].encode("utf-8", "replace")[:size].decode("utf-8", "ignore")


def _texts(facts: Facts, name: str, given: Mapping[str, str], size: int, entries: int) -> dict[str, str]:
    """The entries that conditions name, then the first `entries` of all, as far as there is room for them."""
    found: dict[str, str] = {}
    room = TOTAL_BYTES
    for key in (*_present(facts.reads, name, given), *islice(given, entries)):
        if key in found or len(key) > TAG_BYTES or not key.isprintable() or not key.isascii():
            continue
        text = _cut(given[key], size)
        room -= ENTRY_BYTES + (len(text) if text.isascii() else 4 * len(text))
        if room < 0:
            break
        found[key] = text
    return found


def _present(reads: Reads, name: str, given: Mapping[str, str]) -> list[str]:
    named = _named(reads, name)
    if len(named) > len(given):
        known = frozenset(named)
        return [key for key in given if key in known]
    return [key for key in named if key in given]


@lru_cache(maxsize=64)
def _named(reads: Reads, name: str) -> tuple[str, ...]:
    return tuple(sorted(key[1] for key in reads.keys if key[0] == name))


def _listed(texts: Iterable[str]) -> list[str]:
    return [_cut(text, TAG_BYTES) for text in islice(texts, ENTRIES)]


class _Metadata:
    """A bounded copy of verified metadata: plain values only, as much of it as conditions may walk through."""

    def __init__(self) -> None:
        self.nodes = 0

    def copy(self, value: Any, depth: int, first: Iterable[str] = ()) -> Any:
        self.nodes += 1
        if value is None or isinstance(value, (bool, float)):
            return value
        if isinstance(value, int):
            return value if -(2**63) <= value < 2**63 else float(value)
        if isinstance(value, str):
            return _cut(value, HEAD_BYTES)
        if depth >= METADATA_DEPTH or self.nodes >= METADATA_NODES:
            return None
        if isinstance(value, Mapping):
            return self.mapping(value, depth, first)
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.copy(item, depth + 1) for item in islice(value, self.room())]
        return None

    def mapping(self, value: Mapping[Any, Any], depth: int, first: Iterable[str]) -> dict[str, Any]:
        copied = {key: self.copy(value[key], depth + 1) for key in first if key in value}
        for key, item in islice(value.items(), self.room()):
            if isinstance(key, str) and key not in copied and len(key) <= TAG_BYTES and "\0" not in key:
                copied[_cut(key, TAG_BYTES)] = self.copy(item, depth + 1)
        return copied

    def room(self) -> int:
        return max(0, min(ENTRIES, METADATA_NODES - self.nodes))


def _metadata(facts: Facts) -> Any:
    return _Metadata().copy(facts.request.identity.metadata, 0, _named(facts.reads, "metadata"))


def _now(facts: Facts) -> datetime:
    at_s = facts.request.at_s
    return datetime.fromtimestamp(time.time() if at_s is None else at_s, timezone.utc)


def _of_identity(name: str) -> Callable[[Facts], Any]:
    return lambda facts: _cut(getattr(facts.request.identity, name), NAME_BYTES)


def _number(name: str) -> Callable[[Facts], Any]:
    return lambda facts: facts.number(name)


def _list(name: str) -> Callable[[Facts], Any]:
    return lambda facts: facts.listed(name)


def _of_texts(name: str) -> Callable[[Facts], Any]:
    of = plain(name)
    size, entries = (TEXT_BYTES, 0) if name == of else (HEAD_BYTES, ENTRIES)
    return lambda facts: _texts(facts, of, getattr(facts.request, of), size, entries)


_VALUES: Final[Mapping[str, Callable[[Facts], Any]]] = {
    **{name: _of_identity(name) for name in STRINGS[4:]},
    **{name: _of_texts(name) for name, kind in {**VARIABLES, **HIDDEN}.items() if kind == "texts"},
    **{name: _number(name) for name in (*PERCENTS, "prompt_tokens", "max_output_tokens")},
    **{name: _list(name) for name in ("tags", "modalities", "capabilities")},
    "model": lambda facts: _cut(facts.split[1], NAME_BYTES),
    "provider": lambda facts: _cut(facts.split[0], NAME_BYTES),
    "request_type": lambda facts: _cut(facts.request.request_type, NAME_BYTES),
    "task": lambda facts: _cut(facts.request.task or "", NAME_BYTES),
    "metadata": _metadata,
    "now": _now,
}
