"""What a test expects of a decision record, and where the two differ. Only what is stated is compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

T = TypeVar("T")

NO_CANDIDATE: Final = "(is no candidate)"


class Difference(NamedTuple):
    """Something that is not as it was expected. Values are ready for JSON."""

    path: str
    expected: Any
    got: Any


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _exact(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return {"exact": value}
    if not isinstance(value, dict):
        raise ValueError("must be a list, or {contains: […]} for a part of one")
    return value


class Listing(_Closed, Generic[T]):
    """A list as a whole, or `contains`: what must be in it."""

    exact: tuple[T, ...] | None = None
    contains: tuple[T, ...] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Listing[T]:
        if (self.exact is None) == (self.contains is None):
            raise ValueError("must be a list, or {contains: […]} for a part of one")
        return self


class ExpectedRefusal(_Closed):
    """Parts of a refusal. `message_contains`: words of its message, in any case."""

    status: int | None = None
    code: str | None = None
    limit: str | None = None
    retry_after_s: int | None = None
    message_contains: str | None = None


class ExpectedWindow(_Closed):
    """Parts of a window."""

    limit: str | None = None
    subject: str | None = None
    name_of_subject: str | None = None
    unit: str | None = None
    limit_amount: int | None = None
    used_before: int | None = None
    reserved: int | None = None
    window: str | None = None
    resets_at: str | None = None
    mode: str | None = None
    fits: bool | None = None


class ExpectedShadow(_Closed):
    """Parts of what a rule, profile or limit in shadow mode would have done."""

    plugin: str | None = None
    name: str | None = None
    would: dict[str, Any] | None = None


class ExpectedAffinity(_Closed):
    """Parts of what keeps a conversation together. `pinned`: who has answered it last."""

    key: Literal["prompt_cache_key", "session", "prefix"] | None = None
    pinned: str | None = None
    age_s: int | None = None
    cached_tokens: int | None = None


class ExpectedAttempt(_Closed):
    """Parts of one try of one target."""

    target: str | None = None
    outcome: Literal["started", "ok", "failed", "skipped"] | None = None
    error: str | None = None


Texts = Annotated[Listing[str], BeforeValidator(_exact)]
Windows = Annotated[Listing[ExpectedWindow], BeforeValidator(_exact)]
Shadows = Annotated[Listing[ExpectedShadow], BeforeValidator(_exact)]
Attempts = Annotated[Listing[ExpectedAttempt], BeforeValidator(_exact)]


class Expectation(_Closed):
    """Parts of a decision record.

    Args:
        candidates: for each target named here the reason why it may not serve; null = it may.
        mirror: the target that gets the request too.
        reasons: why the other candidates may not serve, in their order.
    """

    outcome: Literal["route", "refuse", "pass"] | None = None
    model: str | None = None
    fallbacks: Texts | None = None
    served: str | None = None
    refusal: ExpectedRefusal | None = None
    rule: str | None = None
    profile: str | None = None
    task: str | None = None
    degraded_by: str | None = None
    mirror: str | None = None
    candidates: dict[str, str | None] | None = None
    reasons: Texts | None = None
    windows: Windows | None = None
    shadow: Shadows | None = None
    attempts: Attempts | None = None
    affinity: ExpectedAffinity | None = None

    def differences(self, record: dict[str, Any]) -> Iterator[Difference]:
        """Everything in the record that is stated here otherwise."""
        for name in Expectation.model_fields:
            if name in self.model_fields_set:
                yield from _compare(name, getattr(self, name), _told(name, record))


def _told(name: str, record: dict[str, Any]) -> Any:
    if name == "task":
        return record["request"]["task"]
    if name == "mirror":
        mirror = record.get("mirror")
        return mirror["target"] if mirror and mirror["drawn"] else None
    if name == "reasons":
        return [candidate["reason"] for candidate in record["candidates"] if candidate["reason"]]
    if name == "candidates":
        # The same target may stand there twice, for two aliases: where it may serve comes first.
        return {candidate["target"]: candidate["reason"] for candidate in reversed(record["candidates"])}
    return record.get(name)


def _compare(path: str, expected: Any, got: Any) -> Iterator[Difference]:
    if isinstance(expected, Listing):
        yield from _compare_lists(path, expected, got)
    elif isinstance(expected, BaseModel):
        yield from _compare_parts(path, expected, got)
    elif path == "candidates" and isinstance(expected, dict):
        for target, reason in expected.items():
            told = got.get(target, NO_CANDIDATE)
            if told != reason:
                yield Difference(f"candidates[{target}]", reason, told)
    elif expected != got:
        yield Difference(path, expected, got)


def _compare_parts(path: str, expected: BaseModel, got: dict[str, Any] | None) -> Iterator[Difference]:
    if got is None:
        yield Difference(path, _stated(expected), None)
        return
    for name in type(expected).model_fields:
        if name not in expected.model_fields_set:
            continue
        value = getattr(expected, name)
        if name == "message_contains":
            if value is not None and value.lower() not in got["message"].lower():
                yield Difference(f"{path}.message", {"contains": value}, got["message"])
        elif got.get(name) != value:
            yield Difference(f"{path}.{name}", value, got.get(name))


def _compare_lists(path: str, expected: Listing[Any], got: list[Any]) -> Iterator[Difference]:
    if expected.contains is not None:
        missing = [each for each in expected.contains if not any(_same(each, one) for one in got)]
        if missing:
            yield Difference(path, {"contains": list(map(_stated, missing))}, _as_stated(missing, got))
        return
    stated = expected.exact or ()
    if len(stated) != len(got) or any(not isinstance(each, BaseModel) for each in stated):
        if len(stated) != len(got) or not all(map(_same, stated, got)):
            yield Difference(path, list(map(_stated, stated)), _as_stated(stated, got))
        return
    for i, (each, one) in enumerate(zip(stated, got, strict=True)):
        yield from _compare_parts(f"{path}[{i}]", each, one)


def _same(expected: Any, got: Any) -> bool:
    return not any(_compare("", expected, got))


def _stated(expected: Any) -> Any:
    return expected.model_dump(exclude_unset=True) if isinstance(expected, BaseModel) else expected


def _as_stated(expected: Any, got: list[Any]) -> list[Any]:
    """What was got, with no more keys than the expectation names: the others are not what is missing."""
    named = {name for each in expected if isinstance(each, BaseModel) for name in each.model_fields_set}
    if not named:
        return got
    return [{name: value for name, value in one.items() if name in named} for one in got]
