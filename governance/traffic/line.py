"""One decision as a line of JSON: `trace.v1`.

It holds what another policy needs to decide the same request once more, what was decided and what came of it, and no
text that anybody wrote to a model. What is as it is by default is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from governance.traffic.broken import NO_JSON, OTHER_VERSION, WRONG_FIELD, Broken
from governance.traffic.fields import (
    COUNT,
    NUMBER,
    NUMBERS,
    TEXT,
    TEXTS,
    YES,
    WrongField,
    held,
    part,
    parts,
    read,
    written,
)
from governance.traffic.parts import Asked, Hop, Size, Told, Used, Who

VERSION: Final = 1

_WHO: Final = part(Who)
_ASKED: Final = part(Asked)
_SIZE: Final = part(Size)
_TOLD: Final = part(Told)
_HOPS: Final = parts(Hop)
_USED: Final = part(Used)


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One decision, refused ones included.

    Args:
        id: of the decision: a UUID, version 7.
        at_us: when it arrived, by the engine's clock: Unix microseconds.
        end_us: microseconds after that at which it was over, and settled; None = nobody knows.
        worker, number: which process has written it, as its how-manieth; lines that are missing leave a gap.
        inputs: hash of what was known of the targets that were considered; None = nothing of any.
        draws: the random numbers that decided, in order.
        weight: for how many requests it stands.
        recorded: `headers.NAME`, `params.NAME`, `metadata.NAME` that are here wherever the request had them.
        unrecorded: what a condition of the policy could read, and is not here.
        hashed: the fields whose values are digests: `user`, `end_user`, …; the same value has the same digest.
        mirror_of: the decision whose request was sent here too.
        counted: money that stays counted as it was reserved, since nobody knows what was used: micro-dollars.
        late: it was told as ended before, and an answer came after all: this line stands in place of that one.
    """

    id: str = held("id", TEXT)
    at_us: int = held("at", COUNT)
    who: Who = held("who", _WHO)
    asked: Asked = held("req", _ASKED)
    size: Size = held("est", _SIZE)
    told: Told = held("did", _TOLD)
    hops: tuple[Hop, ...] = held("hops", _HOPS, ())
    used: Used | None = held("use", _USED, None)
    end_us: int | None = held("end", COUNT, None)
    worker: str = held("by", TEXT, "")
    number: int = held("no", COUNT, 0)
    inputs: str | None = held("in", TEXT, None)
    draws: tuple[float, ...] = held("draw", NUMBERS, ())
    weight: float = held("w", NUMBER, 1.0)
    recorded: tuple[str, ...] = held("rec", TEXTS, ())
    unrecorded: tuple[str, ...] = held("not", TEXTS, ())
    hashed: tuple[str, ...] = held("hash", TEXTS, ())
    mirror_of: str = held("mirror_of", TEXT, "")
    counted: int = held("kept", COUNT, 0)
    late: bool = held("late", YES, False)

    @property
    def served(self) -> str | None:
        """The target that answered; None while none has."""
        return next((hop.target for hop in reversed(self.hops) if hop.outcome == "ok"), None)

    @property
    def open(self) -> bool:
        """Whether nobody knows how it ended."""
        return self.end_us is None and self.told.outcome != "refuse"


def encoded(line: TraceLine) -> bytes:
    """The line, with its end."""
    told = written(line)
    # In the order in which a worker writes them.
    first: dict[str, Any] = {"v": VERSION, **{key: told[key] for key in ("id", "at", "end") if key in told}}
    return encoded_told({**first, **told})


def encoded_told(told: Mapping[str, Any]) -> bytes:
    """The same of what stands in it, as `trace.v1` has it."""
    try:
        return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # A caller's model name may hold what no UTF-8 can.
        return json.dumps(told, separators=(",", ":"), default=str, skipkeys=True).encode() + b"\n"


def decoded(line: bytes | str, where: str = "") -> TraceLine | Broken:
    """The decision of a line, or what is wrong with it.

    Args:
        where: it stands, for messages.
    """
    given = loaded(line)
    if not isinstance(given, dict):
        return Broken(NO_JSON, where, "must be one JSON object")
    version = given.get("v")
    if version != VERSION or type(version) is not int:
        said = f"version {version!r}" if "v" in given else "no version"
        return Broken(OTHER_VERSION, where, f"{said[:80]}; this reads version {VERSION}")
    try:
        return read(TraceLine, given)
    except WrongField as error:
        return Broken(WRONG_FIELD, where, str(error))


def loaded(line: bytes | str) -> Any:
    """What stands in a line; None for what is no JSON."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass
    try:
        # A text in it may be no Unicode, as the name of a caller's model.
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
