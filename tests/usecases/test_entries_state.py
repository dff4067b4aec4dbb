"""Two writers change entries of one policy in any order: what comes of it is what a plain dict would hold.

A writer who says which policy he has seen loses nothing: where somebody was faster his change is not made, and the text
that both make together has the other's change and his own, or says where they are at odds.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.engine.host import Host
from governance.policy.nodes import read_tree
from governance.policy.sections import SECTIONS
from governance.store import Store, open_store
from governance.usecases.change_entry import Stale, change_entry
from governance.usecases.change_policy import Applied, Author, Unchanged, apply, seed
from governance.usecases.entries import (
    Create,
    EntryChange,
    NameTaken,
    NoSuchEntry,
    Remove,
    Reorder,
    Replace,
    shown_entries,
)
from governance.usecases.revisions import show

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
TEXT = """# Ours.
version: 1
policy: {source: database}
# Who counts.
rate_limits:
# of a
- name: a
  subject: everyone
  requests: 1/minute  # few
- {name: b, subject: everyone, requests: 2/minute}
task_routing:
  overrides:
    coding: m/1  # best
"""
FILE = Host.parse(TEXT).policy.core
NAMES = st.sampled_from("abcd")
Section = str
Model = dict[Section, dict[str, Any]]

amounts = st.integers(1, 9).map(lambda n: f"{n}/minute")
limits = st.one_of(
    st.builds(lambda name, amount: ("limits", Create(name, limit(name, amount))), NAMES, amounts),
    st.builds(lambda name, amount: ("limits", Replace(name, limit(name, amount))), NAMES, amounts),
    st.builds(lambda name, other: ("limits", Replace(name, limit(other, "7/minute"))), NAMES, NAMES),
    st.builds(lambda name: ("limits", Remove(name)), NAMES),
    st.just(("limits", None)),  # the other way round
)
words = st.sampled_from(["coding", "vision"])
tasks = st.one_of(
    st.builds(lambda name, n: ("tasks", Create(name, [f"m/{n}", "m/0"])), words, st.integers(1, 9)),
    st.builds(lambda name, n: ("tasks", Replace(name, f"m/{n}")), words, st.integers(1, 9)),
    st.builds(lambda name: ("tasks", Remove(name)), words),
)
# Who writes, whether he looks first at what is in force, and what he does.
steps = st.lists(st.tuples(st.sampled_from([0, 1]), st.booleans(), st.one_of(limits, tasks)), max_size=10)


def limit(name: str, amount: str) -> dict[str, Any]:
    return {"name": name, "subject": "everyone", "requests": amount}


def model_of(text: str) -> Model:
    return {
        word: {each.name: each.value for each in shown_entries(text, SECTIONS[word])} for word in ("limits", "tasks")
    }


def done(model: Model, word: str, change: EntryChange) -> Model | None:
    """What a dict would hold after it; None where it cannot be."""
    new = deepcopy(model)
    section = new[word]
    if isinstance(change, Reorder):
        new[word] = {name: section[name] for name in change.names}
    elif isinstance(change, Create):
        if change.name in section:
            return None
        section[change.name] = change.value
    elif isinstance(change, Replace | Remove):
        if change.name not in section:
            return None
        name = change.value["name"] if isinstance(change, Replace) and word == "limits" else change.name
        if name != change.name and name in section:
            return None
        values = [(name, change.value if isinstance(change, Replace) else None) if n == change.name else (n, v)
                  for n, v in section.items()]  # fmt: skip
        new[word] = {n: v for n, v in values if v is not None}
    return new


def same(one: Model, other: Model) -> bool:
    return one == other and list(one["limits"]) == list(other["limits"])


def tried(store: Store, word: str, change: EntryChange, base: str) -> Any:
    try:
        return change_entry(
            store, SECTIONS[word], change, base=base, file=FILE, environment={}, author=Author("ada", "user"), now=NOW
        )
    except (NoSuchEntry, NameTaken):
        return None


@given(steps)
@settings(max_examples=25, deadline=None)
def test_two_writers_lose_nothing(steps: list[tuple[int, bool, tuple[str, EntryChange | None]]]) -> None:
    with TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder)}/governance.db", {})
        try:
            first = seed(store, Host.parse(TEXT).policy, Author("", "file"), NOW)
            held = model_of(TEXT)
            seen = dict.fromkeys((0, 1), (first.hash, held))
            for writer, looks, (word, wanted) in steps:
                active = show(store)
                if looks:
                    seen[writer] = (active.hash, held)
                base, had = seen[writer]
                change = wanted or Reorder(tuple(reversed(had["limits"])))
                mine = done(had, word, change)
                outcome = tried(store, word, change, base)

                if base == active.hash:
                    assert (outcome is None) == (mine is None)
                    held = held if mine is None else mine
                else:
                    assert isinstance(outcome, Stale)
                    held = put_together(store, outcome, had, mine, held)
                now = show(store).yaml
                assert same(model_of(now), held)
                assert "# Ours." in now
                assert "# Who counts." in now
                assert not read_tree(now, "policy").problems
        finally:
            store.close()


def put_together(store: Store, stale: Stale, had: Model, mine: Model | None, theirs: Model) -> Model:
    """What is held once the writer has applied what both make together, where they are not at odds."""
    assert stale.conflict.active.hash == show(store).hash, "nothing was done"
    if mine is None:
        assert stale.merged is None
        return theirs
    merged = stale.merged
    assert merged is not None
    if merged.text is None:
        return theirs  # somebody has to decide, or to edit by hand
    together = model_of(merged.text)
    for word, entries in together.items():
        for name in {*had[word], *mine[word], *theirs[word], *entries}:
            before, one, other = (each[word].get(name) for each in (had, mine, theirs))
            changed_by_both = one != before and other != before and one != other
            assert changed_by_both or entries.get(name) == (one if one != before else other), (word, name)
    outcome = apply(
        store,
        merged.text,
        base=stale.conflict.active.hash,
        file=FILE,
        environment={},
        author=Author("ada", "user"),
        now=NOW,
    )
    assert isinstance(outcome, Applied | Unchanged)
    return together
