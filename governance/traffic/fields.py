"""How the fields of a line are checked, left out where they say nothing, and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, fields
from typing import Any, Final, NamedTuple, TypeVar

T = TypeVar("T")
Read = Callable[[Any], Any]


class WrongField(ValueError):
    """A field that is missing, or holds what it may not hold."""


class Kind(NamedTuple):
    """What a field may hold.

    Args:
        what: for people: `must be a text`.
        read: of the JSON value; raises WrongField or TypeError.
        write: None = as it is.
    """

    what: str
    read: Read
    write: Callable[[Any], Any] | None = None


def held(key: str, kind: Kind, default: Any = MISSING) -> Any:
    """A field of a dataclass of this format: its key in JSON, and what it may hold.

    Args:
        default: left out of the line; MISSING = every line has it. A function makes it.
    """
    metadata = {"key": key, "kind": kind}
    if callable(default):
        return field(default_factory=default, metadata=metadata, hash=False)
    return field(default=default, metadata=metadata)


class _Field(NamedTuple):
    name: str
    key: str
    kind: Kind
    default: Any


_KNOWN: Final[dict[Any, tuple[_Field, ...]]] = {}


def _fields(of: Any) -> tuple[_Field, ...]:
    known = _KNOWN.get(of)
    if known is not None:
        return known
    made = ((f, f.default if f.default_factory is MISSING else f.default_factory()) for f in fields(of))
    found = (_Field(f.name, f.metadata["key"], f.metadata["kind"], default) for f, default in made)
    return _KNOWN.setdefault(of, tuple(found))


def written(value: Any) -> dict[str, Any]:
    """A dataclass whose fields are all `held`, ready for JSON: without what is as it is by default."""
    told: dict[str, Any] = {}
    for name, key, kind, default in _fields(type(value)):
        own = getattr(value, name)
        if own != default or default is MISSING:
            told[key] = own if kind.write is None or own is None else kind.write(own)
    return told


def read(of: Callable[..., T], given: Any, where: str = "") -> T:
    """The dataclass that `written` has written. Fields that it does not know are passed over.

    Args:
        where: it stands in the line, for messages.

    Raises:
        WrongField: says which field, and what would be right.
    """
    if not isinstance(given, Mapping):
        raise WrongField(f"{where or 'the line'} must be an object")
    values: dict[str, Any] = {}
    for name, key, kind, default in _fields(of):
        own = given.get(key, MISSING)
        if own is MISSING:
            if default is MISSING:
                raise WrongField(f"`{where}{key}` is missing")
            continue
        try:
            values[name] = None if own is None and default is None else kind.read(own)
        except WrongField as error:
            text = str(error)
            raise WrongField(f"`{where}{key}`: {text}" if text else f"`{where}{key}` {kind.what}") from None
        except (TypeError, ValueError, OverflowError):
            raise WrongField(f"`{where}{key}` {kind.what}") from None
    return of(**values)


def _exactly(*types: type) -> Read:
    def check(value: Any) -> Any:
        if type(value) not in types:
            raise WrongField("")
        return value

    return check


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise WrongField("")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if type(value) is not list or not all(type(each) is str for each in value):
        raise WrongField("")
    return tuple(value)


def _counts(value: Any) -> dict[str, int]:
    if type(value) is not dict or not all(type(each) is int and each >= 0 for each in value.values()):
        raise WrongField("")
    return value


def _worded(value: Any) -> dict[str, str]:
    if type(value) is not dict or not all(type(each) is str for each in value.values()):
        raise WrongField("")
    return value


def _numbers(value: Any) -> tuple[float, ...]:
    if type(value) is not list or not all(type(each) in (int, float) for each in value):
        raise WrongField("")
    return tuple(map(float, value))


def _objects(value: Any) -> tuple[Mapping[str, Any], ...]:
    if type(value) is not list or not all(type(each) is dict for each in value):
        raise WrongField("")
    return tuple(value)


TEXT: Final = Kind("must be a text", _exactly(str))
COUNT: Final = Kind("must be a whole number, 0 or more", _count)
WHOLE: Final = Kind("must be a whole number", _exactly(int))
NUMBER: Final = Kind("must be a number", _exactly(int, float))
YES: Final = Kind("must be true or false", _exactly(bool))
TEXTS: Final = Kind("must be a list of texts", _texts, list)
NUMBERS: Final = Kind("must be a list of numbers", _numbers, list)
COUNTS: Final = Kind("must be an object of whole numbers", _counts, dict)
WORDS: Final = Kind("must be an object of texts", _worded, dict)
ANYTHING: Final = Kind("must be an object", _exactly(dict), dict)
OBJECTS: Final = Kind("must be a list of objects", _objects, lambda given: [dict(each) for each in given])


def one_of(*words: str) -> Kind:
    """A text of a closed list."""

    def check(value: Any) -> str:
        if type(value) is not str or value not in words:
            raise WrongField("")
        return value

    return Kind(f"must be {', '.join(words[:-1])} or {words[-1]}", check)


def part(of: type[Any]) -> Kind:
    """One dataclass of this format within another."""
    return Kind("must be an object", lambda value: read(of, value), written)


def parts(of: type[Any]) -> Kind:
    """Any number of them, in order."""

    def each(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise WrongField("")
        return tuple(read(of, one) for one in value)

    return Kind("must be a list of objects", each, lambda value: [written(one) for one in value])
