"""The head of an answer is nobody's to write but ours."""

from collections.abc import Iterator

import pytest
from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from governance.proxy import heads

HOSTILE = "a\r\nx-injected: yes\x00\u202e"


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    begin, put, put_all = Response.init_headers, MutableHeaders.__setitem__, MutableHeaders.update
    heads.watch(lambda: None)
    yield
    Response.init_headers = begin  # type: ignore[method-assign]
    MutableHeaders.__setitem__ = put  # type: ignore[method-assign]
    MutableHeaders.update = put_all  # type: ignore[method-assign]


def test_words_of_a_caller_end_no_header_of_an_answer() -> None:
    first, later = Response(headers={"x-guardrails": HOSTILE}), Response()
    later.headers["x-guardrails"] = HOSTILE
    later.headers.update({"x-policies": HOSTILE})

    for value in (first.headers["x-guardrails"], later.headers["x-guardrails"], later.headers["x-policies"]):
        assert value == "a??x-injected: yes??"


def test_every_other_header_is_as_it_was() -> None:
    answer = Response(headers={"x-name": "caf\xe9, a\tb"})
    answer.headers["x-more"] = "caf\xe9"

    assert (answer.headers["x-name"], answer.headers["x-more"]) == ("caf\xe9, a\tb", "caf\xe9")


@pytest.mark.parametrize("raw", [[], [(b"a", b"1"), (b"x-b", b"2")], [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]])
@pytest.mark.parametrize("other", [{}, {"A": "4"}, {"x-B": "5", "c": "6", "C": "7"}, {"c": "caf\xe9", "a": HOSTILE}])
def test_many_headers_at_once_are_put_as_one_by_one(raw: list[tuple[bytes, bytes]], other: dict[str, str]) -> None:
    at_once, one_by_one = MutableHeaders(raw=list(raw)), MutableHeaders(raw=list(raw))
    at_once.update(other)
    for name, value in other.items():
        one_by_one[name] = value

    assert at_once.raw == one_by_one.raw
