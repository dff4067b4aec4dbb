"""Methods whose answers an object remembers, without a call around what remembers them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

P = ParamSpec("P")
T = TypeVar("T")


class Remembered(Generic[P, T]):
    """A method of which each object keeps the newest answers, by hashable arguments.

    Asked for the first time it puts what remembers into the object's own attributes, in front of itself: whoever asks
    again calls that and nothing else.
    """

    def __init__(self, method: Callable[Concatenate[Any, P], T], most: int) -> None:
        self._method, self._most = method, most
        self.__doc__ = method.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Remembered[P, T]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Callable[P, T]: ...

    def __get__(self, instance: object | None, owner: type) -> Remembered[P, T] | Callable[P, T]:
        if instance is None:
            return self
        asked: Callable[P, T] = lru_cache(self._most)(MethodType(self._method, instance))  # type: ignore[assignment]
        instance.__dict__[self._name] = asked
        return asked


def remembered(most: int) -> Callable[[Callable[Concatenate[Any, P], T]], Remembered[P, T]]:
    """Decorates a method of an object with attributes of its own; `most` is the number of answers that are kept."""
    return lambda method: Remembered(method, most)
