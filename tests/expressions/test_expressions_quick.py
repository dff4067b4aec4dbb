"""What is answered without the CEL library is what the library answers."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.expressions import Facts, compile_condition
from governance.model import Identity, Percent, Request

WORDS = ["", "a", "ab", "b", "é", "A", "chat", "chat_completion"]
words = st.sampled_from(WORDS)
literals = words.map(lambda word: json.dumps(word, ensure_ascii=False))
numbers = st.sampled_from(["0", "1", "1.5", "80", "80.0", "-1", "0x10"])
texts = st.sampled_from(
    [
        "model",
        "team_id",
        "task",
        "request_type",
        'headers["a"]',
        "headers.B",
        'params["a"]',
        'headers["none"]',
        "metadata.a",
        "metadata.text",
    ]
)
counts = st.sampled_from(["budget_used", "tokens_used", "prompt_tokens", "max_output_tokens"])
orders = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])

atoms = st.one_of(
    st.tuples(texts, st.sampled_from(["==", "!="]), literals).map(" ".join),
    st.tuples(literals, st.sampled_from(["==", "!="]), texts).map(" ".join),
    st.builds("{}.{}({})".format, texts, st.sampled_from(["startsWith", "endsWith", "contains"]), literals),
    st.builds("{} in [{}]".format, texts, st.lists(literals, max_size=3).map(", ".join)),
    st.builds("{} in {}".format, literals, st.sampled_from(["headers", "params", "tags", "capabilities"])),
    st.builds(
        "{}.{}(t, t{})".format,
        st.sampled_from(["tags", "capabilities"]),
        st.sampled_from(["exists", "all", "exists_one"]),
        st.one_of(literals.map(" == {}".format), literals.map(" != {}".format), literals.map(".contains({})".format)),
    ),
    st.tuples(counts, orders, numbers).map(" ".join),
    st.tuples(numbers, orders, counts).map(" ".join),
    st.sampled_from(["has(headers.a)", "has(headers.none)", "true", "false", "metadata.a == 1", "metadata.none == 1"]),
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("!({})".format, inner),
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
    ),
    max_leaves=8,
)


class Levels:
    def __init__(self, used: float) -> None:
        self.used = used

    def percent(self, request: Request) -> Percent:
        return Percent(budget_used=self.used, tokens_used=80.0)


requests = st.builds(
    lambda model, team, header, tags, used, tokens: Request(
        model,
        request_type="chat",
        identity=Identity(team_id=team, metadata={"a": 1, "text": header}),
        headers={"a": header, "b": "ab"},
        params={"a": header},
        tags=tuple(tags),
        capabilities=frozenset(tags),
        prompt_tokens=tokens,
        levels=Levels(used),
    ),
    model=words,
    team=words,
    header=words,
    tags=st.lists(words, max_size=3),
    used=st.sampled_from([0.0, 1.0, 1.5, 80.0]),
    tokens=st.sampled_from([0, 1, 16, 80]),
)


@settings(max_examples=1_500)
@given(conditions, requests)
def test_the_short_way_says_what_the_long_way_says(text: str, asked: Request) -> None:
    try:
        condition = compile_condition(text)
    except ValueError:
        return

    short = condition.matches(Facts(asked, condition.reads))

    assert short is (condition.evaluate(Facts(asked, condition.reads)) is True)
