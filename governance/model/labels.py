"""Labels of whatever may serve, and what is required of them: free words, such as `region: eu` and `zdr: true`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

from governance.model.changes import Effect

Labels = Mapping[str, str]

_KEY: Final = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
_LONGEST_VALUE: Final = 100
_MOST: Final = 32
_KEY_RULE: Final = "starts with a letter and has letters, digits, `_`, `.` and `-`, at most 63"


class Requirement(NamedTuple):
    """What one label has to be.

    Args:
        values: any of these, in lower case.
        by: who requires it, for the record: `team research`.
    """

    key: str
    values: tuple[str, ...]
    by: str

    def met(self, labels: Labels) -> bool:
        """Whether these labels satisfy it. A label that is not there does not."""
        return labels.get(self.key) in self.values

    @property
    def record(self) -> dict[str, Any]:
        """As a decision record has it."""
        return {"label": self.key, "values": list(self.values), "by": self.by}

    def __str__(self) -> str:
        return f"{self.key}={'|'.join(self.values)}"


Require = tuple[Requirement, ...]


def required(given: Mapping[str, tuple[str, ...]], by: str) -> Require:
    """What somebody requires, as the policy says it."""
    return tuple(Requirement(key, values, by) for key, values in given.items())


def both(some: Require, more: Iterable[Requirement]) -> Require:
    """Whatever is required by either: requirements are only ever added."""
    return tuple(dict.fromkeys((*some, *more)))


def unmet(require: Require, labels: Labels) -> Iterator[Requirement]:
    """Those that these labels do not satisfy."""
    return (each for each in require if not each.met(labels))


def label(value: Any) -> str:
    """A label's value as it is compared: in lower case, `true` and `false` for yes and no. Raises ValueError."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = value.strip().lower() if isinstance(value, str) else ""
    if not text or len(text) > _LONGEST_VALUE or not text.isprintable() or set(text) & set("|;="):
        raise ValueError(f"must be true, false, a whole number or a word of at most {_LONGEST_VALUE} letters")
    return text


def _entries(value: Any, example: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"must be labels with their values, such as {example}")
    if len(value) > _MOST:
        raise ValueError(f"has {len(value)} labels; at most {_MOST} are allowed")
    seen: set[str] = set()
    for given, said in value.items():
        key = given.strip().lower() if isinstance(given, str) else ""
        if not _KEY.fullmatch(key):
            raise ValueError(f"`{str(given)[:100]}` is no name of a label: it {_KEY_RULE}")
        if key in seen:
            raise ValueError(f"`{key}` stands here twice")
        seen.add(key)
        yield key, said


def _of(key: str, value: Any) -> str:
    try:
        return label(value)
    except ValueError as error:
        raise ValueError(f"`{key}` {error}") from None


def read_labels(value: Any) -> dict[str, str]:
    """What something is. Raises ValueError."""
    return {key: _of(key, said) for key, said in _entries(value, "{region: eu, zdr: true}")}


def read_required(value: Any) -> dict[str, tuple[str, ...]]:
    """What is required: each label with the values that do. Raises ValueError."""
    found: dict[str, tuple[str, ...]] = {}
    for key, said in _entries(value, "{region: [eu, ch], zdr: true}"):
        listed = said if isinstance(said, (list, tuple)) else (said,)
        if not listed:
            raise ValueError(f"`{key}` names no value, so nothing could ever serve")
        found[key] = tuple(sorted({_of(key, each) for each in listed}))
    return found


def read_header(text: str) -> dict[str, tuple[str, ...]]:
    """`region=eu|ch; zdr=true`. Raises ValueError."""
    found: dict[str, Any] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        key, says, values = part.partition("=")
        if not says or key.strip().lower() in found:
            raise ValueError(f"`{part[:100]}` must be a label and what it may be, each label once")
        found[key.strip().lower()] = values.split("|")
    return read_required(found)


_VALUE: Final[dict[str, Any]] = {"type": ["string", "boolean", "integer"]}
_NAMES: Final[dict[str, Any]] = {"type": "object", "minProperties": 1, "maxProperties": _MOST}
GivenLabels = Annotated[
    dict[str, str],
    BeforeValidator(read_labels),
    WithJsonSchema({**_NAMES, "additionalProperties": _VALUE, "examples": [{"region": "eu", "zdr": True}]}),
]
GivenRequire = Annotated[
    dict[str, tuple[str, ...]],
    BeforeValidator(read_required),
    WithJsonSchema(
        {
            **_NAMES,
            "additionalProperties": {"anyOf": [_VALUE, {"type": "array", "minItems": 1, "items": _VALUE}]},
            "examples": [{"region": ["eu", "ch"], "zdr": True}],
        }
    ),
]


def narrower(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> set[Effect]:
    """What another requirement does: fewer may serve, or more."""
    keys = {*before, *after}
    old, new = ({key: set(given[key]) if key in given else None for key in keys} for given in (before, after))
    less = any(new[key] is not None and (old[key] is None or (old[key] or set()) - (new[key] or set())) for key in keys)
    more = any(old[key] is not None and (new[key] is None or (new[key] or set()) - (old[key] or set())) for key in keys)
    found: set[Effect] = {"revokes"} if less else set()
    return found | {"grants"} if more else found


def requires(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> set[Effect]:
    """The effects of another requirement."""
    found = narrower(before, after)
    return {"reroutes", *found} if found else {"cosmetic"}
