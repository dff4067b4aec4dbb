"""A decision as a line: everything comes back, and what is wrong is named."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.traffic import Asked, Broken, Hop, Size, Spot, Told, TraceLine, Used, Who, decoded, encoded
from tests.traffic.conftest import Made

TEXT = st.text(max_size=8)
COUNT = st.integers(0, 2**53)
WORDS = st.dictionaries(TEXT, TEXT, max_size=2)
TEXTS = st.lists(TEXT, max_size=2).map(tuple)
NUMBERS = st.floats(0, 1, exclude_max=True)
OBJECTS = st.lists(st.dictionaries(TEXT, st.one_of(TEXT, st.integers(-5, 5), st.none()), max_size=2), max_size=2).map(
    tuple
)
HOPS = st.lists(
    st.builds(
        Hop,
        TEXT,
        st.sampled_from(["ok", "failed", "skipped", "started"]),
        st.none() | TEXT,
        COUNT,
        COUNT,
        TEXT,
        status=st.none() | st.integers(100, 599),
        retry_after_s=st.none() | NUMBERS,
        labels=WORDS,
    ),
    max_size=2,
).map(tuple)
LINES = st.builds(
    TraceLine,
    id=TEXT,
    at_us=COUNT,
    who=st.builds(Who, TEXT, TEXT, TEXT, TEXT, verified_tags=TEXTS, metadata=WORDS),
    asked=st.builds(
        Asked, TEXT, TEXT, TEXTS, TEXTS, TEXT, TEXTS, WORDS, WORDS, st.booleans(), TEXTS, COUNT, OBJECTS, WORDS
    ),
    size=st.builds(Size, COUNT, st.none() | COUNT, COUNT, COUNT, COUNT),
    told=st.builds(
        Told,
        TEXT,
        st.sampled_from(["route", "refuse", "pass"]),
        windows=st.lists(st.builds(Spot, TEXT, TEXT, TEXT, TEXT, COUNT, COUNT), max_size=2).map(tuple),
        code=st.none() | TEXT,
        shadow=OBJECTS,
        would=WORDS,
    ),
    hops=HOPS,
    used=st.none()
    | st.builds(Used, st.none() | COUNT, COUNT, COUNT, st.none() | COUNT, COUNT, WORDS.map(lambda _: {})),
    end_us=st.none() | COUNT,
    draws=st.lists(NUMBERS, max_size=3).map(tuple),
    weight=NUMBERS,
    recorded=TEXTS,
)


def changed(line: TraceLine, **fields: Any) -> bytes:
    return orjson.dumps(orjson.loads(encoded(line)) | fields)


@given(LINES)
def test_every_field_comes_back_as_it_was(made: TraceLine) -> None:
    assert decoded(encoded(made)) == made


def test_a_line_leaves_out_what_is_as_it_is_by_default(line: Made) -> None:
    told = orjson.loads(encoded(line()))

    assert told["est"] == {"in": 812, "max_out": 1024}
    assert told["hops"] == [{"to": "openai/glm-4.7", "out": "ok", "ms": 730}]
    assert "draw" not in told
    assert len(encoded(line())) < 520


def test_a_name_that_no_utf_8_can_hold_is_written_and_read(line: Made) -> None:
    made = line(asked=Asked("half \ud800 a pair"))

    assert decoded(encoded(made)) == made


def test_fields_of_later_versions_are_passed_over(line: Made) -> None:
    assert decoded(changed(line(), future={"x": 1})) == line()


@pytest.mark.parametrize(
    ("fields", "fault", "detail"),
    [
        ({"v": 2}, "other_version", "version 2; this reads version 1"),
        ({"v": True}, "other_version", "version True; this reads version 1"),
        ({"at": "noon"}, "wrong_field", "`at` must be a whole number, 0 or more"),
        ({"at": -1}, "wrong_field", "`at` must be a whole number, 0 or more"),
        ({"who": []}, "wrong_field", "`who`: the line must be an object"),
        ({"who": {"team": 7}}, "wrong_field", "`who`: `team` must be a text"),
        ({"did": {"rev": "r"}}, "wrong_field", "`did`: `out` is missing"),
        ({"did": {"rev": "r", "out": "lost"}}, "wrong_field", "`did`: `out` must be route, refuse or pass"),
        ({"hops": {}}, "wrong_field", "`hops` must be a list of objects"),
        ({"draw": ["x"]}, "wrong_field", "`draw` must be a list of numbers"),
        ({"use": {"usd": 1.5}}, "wrong_field", "`use`: `usd` must be a whole number"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(line: Made, fields: dict[str, Any], fault: str, detail: str) -> None:
    found = decoded(changed(line(), **fields), "f:7")

    assert isinstance(found, Broken)
    assert (found.fault, found.where, found.detail) == (fault, "f:7", detail)


@pytest.mark.parametrize("text", [b"", b"null", b"[1]", b"{", b"\xff\xfe", b"[" * 200_000])
def test_what_is_no_object_is_named(text: bytes) -> None:
    found = decoded(text)

    assert isinstance(found, Broken)
    assert found.fault == "no_json"


def test_a_line_without_its_version_is_of_another(line: Made) -> None:
    told = orjson.loads(encoded(line()))
    del told["v"]

    found = decoded(orjson.dumps(told))

    assert isinstance(found, Broken)
    assert str(found) == ": other_version: no version; this reads version 1"
