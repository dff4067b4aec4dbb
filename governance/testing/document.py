"""The tests file: what each test asks of a policy, and what it expects. Semantics: docs/policy-tests.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from governance.engine.simulation import Moment, SimulationInput
from governance.model import Failure
from governance.model.amounts import parse_period_s
from governance.model.vocabulary import FailureKind
from governance.testing.expectation import Expectation

MOST_TIMES: Final = 10_000

M = TypeVar("M", bound=BaseModel)
Problems = Iterator[tuple[tuple[str | int, ...], str]]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _period(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("must be a time such as 61s, 5m or 1 hour")
    return parse_period_s(value)


def _failure(value: Any) -> Any:
    if isinstance(value, str) and value not in get_args(FailureKind):
        raise ValueError(f"`{value}` is no kind of failure; known: {', '.join(get_args(FailureKind))}")
    return {"kind": value} if isinstance(value, str) else value


def _some(given: tuple[Any, ...]) -> tuple[Any, ...]:
    if not given:
        raise ValueError("must not be empty")
    return given


def _one_or_more(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class Asked(SimulationInput):
    """The request of a test; what it leaves out, the defaults say. `model` is short for `body: {model: …}`."""

    model: str | None = None
    body: dict[str, Any] = Field(default_factory=dict)

    def over(self, default: Asked) -> Asked:
        """This request, on top of what it is by default: mappings are merged, everything else is replaced."""
        return _over(default.spelled_out(), self.spelled_out())

    def spelled_out(self) -> Asked:
        """The same, with `model` where the body has it."""
        if self.model is None:
            return self
        return self.model_copy(update={"model": None, "body": {**self.body, "model": self.model}})


class Settled(_Closed):
    """What the answer used. Without a cost, the tokens cost what the catalogue says."""

    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    cost_usd_micros: int | None = Field(default=None, ge=0)
    cached_tokens: int = Field(default=0, ge=0)


class Failed(_Closed):
    """One attempt that fails."""

    kind: FailureKind
    retry_after_s: float | None = Field(default=None, ge=0)

    @property
    def failure(self) -> Failure:
        return Failure(self.kind, retry_after_s=self.retry_after_s)


class Turn(_Closed):
    """One request of a sequence, and how it ends. Without `settle` or `fail` it is under way from then on.

    Args:
        at, after_s: when it comes; `after` counts from the turn before.
        times: as many such requests, each of which must meet the expectation.
        fail: so many attempts fail, one target after the other.
    """

    at: Moment | None = None
    after_s: Annotated[int | None, BeforeValidator(_period)] = Field(default=None, alias="after")
    times: int = Field(default=1, ge=1, le=MOST_TIMES)
    request: Asked = Asked()
    settle: Settled | None = None
    fail: Annotated[tuple[Annotated[Failed, BeforeValidator(_failure)], ...], BeforeValidator(_one_or_more)] = ()
    expect: Expectation | None = None


class Case(_Closed):
    """One test: a request with what is expected, or a sequence of requests on one ledger."""

    name: str = Field(min_length=1, max_length=200)
    request: Asked = Asked()
    expect: Expectation | None = None
    sequence: Annotated[tuple[Turn, ...], AfterValidator(_some)] | None = None


class TestsFile(_Closed):
    """A file of tests for one policy; paths are relative to the file."""

    __test__ = False  # pytest takes it for a test otherwise

    policy: Path | None = None
    config: Path | None = None
    defaults: Asked = Asked()
    tests: Annotated[tuple[Case, ...], AfterValidator(_some)]

    def problems(self) -> Problems:
        """Mistakes that no single field shows: where, and what is wrong."""
        taken: set[str] = set()
        for i, case in enumerate(self.tests):
            if case.name in taken:
                yield ("tests", i, "name"), f"`{case.name}` is the name of an earlier test; names are unique"
            taken.add(case.name)
            asked = case.request.over(self.defaults)
            for loc, message in _sequence_problems(case, asked) if case.sequence else _single_problems(case, asked):
                yield ("tests", i, *loc), message


def _single_problems(case: Case, asked: Asked) -> Problems:
    yield from _model_problems(asked, ())
    if case.expect is None:
        yield (), "needs `expect`: what should come of its request"
    elif not case.expect.model_fields_set:
        yield ("expect",), "expects nothing; state an outcome, a model, a refusal, …"


def _sequence_problems(case: Case, asked: Asked) -> Problems:
    turns = case.sequence or ()
    if case.expect is not None:
        yield ("expect",), "stands beside `sequence`; each turn of a sequence has its own `expect`"
    if not any(turn.expect and turn.expect.model_fields_set for turn in turns):
        yield ("sequence",), "expects nothing; at least one turn needs an `expect`"
    if asked.pinned:
        yield ("sequence",), "its own turns pin a conversation; `pinned` is for single requests"
    if asked.usage:
        yield ("sequence",), "the ledger of a sequence counts what its turns use; `usage` is for single requests"
    for i, turn in enumerate(turns):
        at: tuple[str | int, ...] = ("sequence", i)
        yield from _model_problems(turn.request.over(asked), at)
        if turn.at is not None and turn.after_s is not None:
            yield (*at, "after"), "stands beside `at`; a turn comes at a time or after another"
        for key in ("at", "usage", "pinned"):
            if key in turn.request.model_fields_set:
                instead = "`at` stands beside `request` in a turn" if key == "at" else "the ledger counts"
                yield (*at, "request", key), f"not in a sequence: {instead}"


def _model_problems(asked: Asked, at: tuple[str | int, ...]) -> Problems:
    if not isinstance(asked.body.get("model"), str):
        yield (*at, "request"), "needs a `model`, here or in the defaults"


def _over(default: M, given: M) -> M:
    merged: dict[str, Any] = {}
    for name in given.model_fields_set:
        below, value = getattr(default, name), getattr(given, name)
        if isinstance(value, BaseModel) and isinstance(below, BaseModel):
            value = _over(below, value)
        elif isinstance(value, dict):
            value = {**below, **value}
        merged[name] = value
    return default.model_copy(update=merged)
