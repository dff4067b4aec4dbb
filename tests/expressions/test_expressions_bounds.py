"""No condition may hold the event loop for more than 1 ms: what cannot be bounded is refused when it is loaded.

Costs are bounds worked out from the text; `python -m tests.bench.conditions` holds them against the clock.
"""

from __future__ import annotations

import pytest

from governance.expressions import Facts, compile_condition
from governance.model import Request
from tests.expressions.largest import ACCEPTED, LARGEST

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


@pytest.mark.parametrize("text", ACCEPTED, ids=lambda text: text[:60])
def test_what_is_accepted_is_answered_on_the_largest_request(text: str) -> None:
    condition = compile_condition(text)

    answer = condition.evaluate(Facts(LARGEST, condition.reads))

    assert (answer is None) == ('headers["h0"]' in text), "only what names a header that is not there has no answer"


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
