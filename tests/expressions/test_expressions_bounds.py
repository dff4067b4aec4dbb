"""No condition may hold the event loop for more than 1 ms: what cannot be bounded is refused when it is loaded.

Costs are bounds worked out from the text. Here they are held against the clock on the largest request there can be: the
fastest of several runs, in empty calls of this machine (1 ms is 22,000 where one takes 45 ns), so that a busy machine
fails nothing.
"""

from __future__ import annotations

import random
import time
import timeit

import pytest

from governance.expressions import Facts, compile_condition
from governance.model import Identity, Request

ALLOWED_EMPTY_CALLS = 22_000

_dice = random.Random(1)
_AB = "".join(_dice.choice("ab") for _ in range(9_000))
_TEXTS = {
    "x": _AB,
    "y": "a" * 9_000,
    "z": "a" * 4_000 + "b",
    "u": "é" * 9_000,
    "n": "9" * 9_000,
    **{f"h{i:03d}" + "n" * 200: "a" * 8_191 + "b" for i in range(2_000)},
}
_METADATA = {f"k{i}": {f"j{j}": "v" * 2_000 for j in range(100)} for i in range(100)} | {"list": ["z" * 9_000] * 5_000}
LARGEST = Request(
    "openai/" + _AB,
    headers=_TEXTS,
    params=_TEXTS,
    tags=tuple("t" * 300 + str(i) for i in range(10_000)),
    identity=Identity(team_id=_AB, metadata=_METADATA),
)

ACCEPTED = [
    'model.matches("^gpt-4.*")',
    'model.matches("(a|b)*a(a|b){8}c")',
    'headers["x"].matches("(a|b)*a(a|b){8}c")',
    'headers["x"].matches("a[ab]{20}c")',
    'headers["u"].matches("[^a]*[^b]*c")',
    'headers["x"].matches("(?i)(curl|wget|python-requests)")',
    'tags.exists(t, t.matches("^eu-"))',
    'headers["y"].contains(headers["z"])',
    'headers.exists(k, headers[k] == "premium")',
    'headers.exists(k, headers[k].contains("ac"))',
    'params.exists(k, params[k] == headers["y"])',
    "headers == params",
    "tags + tags + tags == tags",
    'tags.exists(t, t.contains("tx"))',
    'headers["y"] + headers["y"] + headers["y"] == "x"',
    'size(headers["u"]) > 3',
    'double(headers["n"]) > 1.0',
    'string(bytes(headers["y"])) == "x"',
    "metadata == metadata",
    "metadata.exists(k, metadata[k] == 1)",
    'metadata.list.exists(x, x.contains("yy"))',
    '["a", "b", "c"].exists(p, tags.exists(t, t == p))',
    "[1, 2, 3, 4].all(a, [1, 2, 3, 4].all(b, a + b > 0))",
    'now.getHours("Europe/Berlin") > 30',
    " || ".join(f'model == "m{i}"' for i in range(400)),
    " || ".join(f'headers["h{i}"] == "m"' for i in range(200)),
    "model in [" + ", ".join(f'"m{i}"' for i in range(900)) + "]",
    "!" * 30 + '(model == "x")',
]
REFUSED = [
    "headers.exists(a, headers.exists(b, a == b))",
    'tags.all(t, tags.all(s, t != "x"))',
    "tags.map(t, tags.map(s, s + t)) == []",
    "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, a + b + c > 0)))",
    "metadata.exists(k, metadata[k].exists(j, metadata[k][j] == 1))",
    'headers["x"].matches("(a|b)*a(a|b){100}c")',
    'headers["y"].matches("(a{0,100}){0,10}c")',
    'headers["y"].matches("((a?){30}){30}c")',
    'headers["y"].matches("(.{0,30}){30}$c")',
    'model.matches("(((a{10}){10}){10}){10}")',
    'model.matches("a{1001}")',
    'model.matches("\\\\pL{200}c")',
    'model.matches("[[:alpha:]]{200}")',
    'tags.exists(t, t.matches(".*a.*b.*c"))',
    "tags.exists(t, tags.exists(s, s.contains(t)))",
    'headers["x"].contains(headers["y"]) || headers["y"].contains(headers["x"])',
    "(" * 100 + "true" + ")" * 100,
    "[" * 100 + "]" * 100 + " == []",
    "true ? (" * 50 + "true" + ") : false" * 50,
    "1" + " + 1" * 100 + " > 1",
    " || ".join(f'model == "m{i}"' for i in range(2_000)),
    "model in [" + ",".join("'a'" for _ in range(2_100)) + "]",
]


@pytest.fixture(scope="module")
def empty_call_s() -> float:
    return min(timeit.repeat(lambda: None, number=100_000, repeat=9)) / 100_000


@pytest.mark.parametrize("text", ACCEPTED, ids=lambda text: text[:60])
def test_what_is_accepted_takes_less_than_a_millisecond_on_the_largest_request(text: str, empty_call_s: float) -> None:
    condition = compile_condition(text)
    fastest_s = min(_evaluated_s(text) for _ in range(9))

    assert condition.text == text
    assert fastest_s / empty_call_s < ALLOWED_EMPTY_CALLS


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:60])
def test_what_could_take_longer_is_refused_when_it_is_loaded(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"could hold the proxy|nested deeper|at most|not supported|invalid repetition size"
    ):
        compile_condition(text)


def test_a_condition_sees_heads_of_texts_and_a_part_of_what_it_walks_through_but_every_entry_that_it_names() -> None:
    many = {f"h{i}": "v" for i in range(5_000)} | {"last": "x" * 600 + "end", "long": "x" * 9_000 + "end"}
    asked = Request("m", headers=many)

    def answer(text: str) -> bool | None:
        condition = compile_condition(text)
        return condition.evaluate(Facts(asked, condition.reads))

    assert answer('headers.last.endsWith("end")') is True
    assert answer('headers.last.matches("end$")') is False, "matches sees the first 512 bytes"
    assert answer("size(headers.long) == 8192") is True
    assert answer("size(headers) == 64 && size(headers.map(k, k)) == 64") is True


def _evaluated_s(text: str) -> float:
    # A new condition and new facts each time: what is done once must not be done while a request waits.
    compile_condition.cache_clear()
    condition = compile_condition(text)
    facts = Facts(LARGEST, condition.reads)
    begun = time.perf_counter()
    condition.evaluate(facts)
    return time.perf_counter() - begun
