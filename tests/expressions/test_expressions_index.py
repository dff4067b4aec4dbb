"""The index over conditions finds what asking one after the other finds, and looks at little else."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.expressions import Facts, Index, compile_condition
from governance.expressions.facts import Reads
from governance.model import Identity, Request

WORDS = ("", "a", "ab", "abc", "b", "eu-a", "é")
WORD = st.sampled_from(WORDS)
TEXT = st.sampled_from(("model", "provider", "team_id", "team_name", "virtual_key_name", 'headers["x-a"]'))
ENTRY = st.sampled_from(('headers["x-a"]', 'params["p"]', 'metadata["m"]', "metadata.m"))
PLAIN = st.one_of(
    st.builds('{} == "{}"'.format, TEXT | ENTRY, WORD),
    st.builds('"{1}" == {0}'.format, TEXT, WORD),
    st.builds('{}.startsWith("{}")'.format, TEXT | ENTRY, WORD),
    st.builds('{} in ["{}", "{}"]'.format, TEXT | ENTRY, WORD, WORD),
    st.builds('"{}" in tags'.format, WORD),
    st.builds('tags.exists(t, t == "{}")'.format, WORD),
    st.sampled_from(
        ("model in []", '"x-a" in headers', "has(params.p)", '"m" in metadata', "prompt_tokens > 5", "true")
    ),
)
CONDITION = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=5,
)
GIVEN = st.dictionaries(st.sampled_from(("x-a", "p", "m", "other")), WORD, max_size=3)
REQUEST = st.builds(
    lambda provider, model, team, name, key, headers, params, metadata, tags, tokens: Request(
        f"{provider}/{model}" if provider else model,
        identity=Identity(team_id=team, team_name=name, virtual_key_name=key, metadata=metadata),
        headers=headers,
        params=params,
        tags=tuple(tags),
        prompt_tokens=tokens,
    ),
    *(WORD, WORD, WORD, WORD, WORD, GIVEN, GIVEN),
    st.dictionaries(st.just("m"), st.one_of(WORD, st.integers(), st.none())),
    st.lists(WORD, max_size=3),
    st.integers(0, 9),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(CONDITION, min_size=1, max_size=8), st.lists(REQUEST, min_size=1, max_size=4))
def test_nothing_that_matches_is_missed(texts: list[str], requests: list[Request]) -> None:
    conditions = [compile_condition(text) for text in texts]
    index = Index((condition, number) for number, condition in enumerate(conditions))
    reads = Reads.union(condition.reads for condition in conditions)
    for request in requests:
        facts = Facts(request, reads)
        candidates = index.candidates(facts)

        one_by_one = [i for i, condition in enumerate(conditions) if condition.evaluate(facts) is True]

        assert [i for i in sorted(set(chain(*candidates))) if conditions[i].matches(facts)] == one_by_one
        assert all(found == sorted(found) for found in candidates)


@pytest.mark.parametrize(
    "condition",
    [
        'model == "m-{}"',
        'model.startsWith("m-{}-")',
        'team_name.startsWith("t-{}-") && headers["x-a"] == "everybody"',
        'virtual_key_name.startsWith("k-{}-") || model == "m-{}"',
        'headers["x-{}"] == "a"',
        '"t-{}" in tags',
        'tags.exists(t, t == "t-{}")',
        '(model == "m-{}" && prompt_tokens > 5) || user_id in ["u-{}", "v-{}"]',
    ],
)
def test_of_thousands_that_name_something_else_none_is_looked_at(condition: str) -> None:
    many = [compile_condition(condition.replace("{}", f"{i}")) for i in range(1_000)]
    index = Index((each, i) for i, each in enumerate(many))
    asked = Request(
        "m-7-x",
        identity=Identity(team_name="t-7-x", virtual_key_name="k-7-x", user_id="u-7"),
        headers={"x-a": "everybody", "x-7": "a"},
        tags=("t-7",),
    )

    facts = Facts(asked, Reads.union(each.reads for each in many))
    found = set(chain(*index.candidates(facts)))

    assert found <= {7}
    assert found == {i for i, each in enumerate(many) if each.matches(facts)}
    # One request may bring as many headers as it likes, and 64 tags are looked at.
    assert index.most_ns(lambda i: 1e9) < 70e9 or condition.startswith("headers")
