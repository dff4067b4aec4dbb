"""The file in which earlier versions kept what discovery knows, and what is known of models over time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from governance.discovery import DiscoveryFailed, Found, Listed, State, earlier_path, read_earlier
from governance.discovery.state import utc_now

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def test_what_an_earlier_version_has_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    assert read_earlier(file) is None
    state = State(sources={"openai": Listed(provider="openai").after([Found("gpt-4o", {"mode": "chat"})], NOON)})
    file.write_text(state.model_dump_json(exclude_none=True))

    earlier = read_earlier(file)

    assert earlier is not None
    assert (earlier.path, earlier.state) == (file, state)


@pytest.mark.parametrize("damage", ["", "{", '{"sources": 7}', '{"version": 2}', "[]", "\x00"])
def test_a_damaged_file_is_told(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "catalogue.json"
    file.write_text(damage)

    with pytest.raises(
        DiscoveryFailed, match=r"catalogue.json: is damaged, and nothing of it is taken over; remove it"
    ):
        read_earlier(file)
    with pytest.raises(DiscoveryFailed, match="cannot be read: Is a directory"):
        read_earlier(tmp_path)


def test_the_file_stood_where_the_environment_says() -> None:
    assert earlier_path({"GOVERNANCE_STATE_DIR": "/var/lib/g", "HOME": "/root"}) == Path("/var/lib/g/catalogue.json")
    assert earlier_path({"XDG_CACHE_HOME": "/c"}) == Path("/c/litellm-governance/catalogue.json")
    assert earlier_path({"XDG_CACHE_HOME": "c", "HOME": "/h"}) == Path("/h/.cache/litellm-governance/catalogue.json")


def test_what_an_earlier_file_knows_counts_where_it_is_news() -> None:
    def listed(name: str, at: datetime | None) -> Listed:
        return Listed(provider="p", models={name: {}}, at=at)

    later = NOON + timedelta(hours=1)
    known = State(
        sources={"a": listed("kept", later), "b": listed("older", NOON), "c": listed("never read", None)},
        docs_urls={"openai": "https://kept"},
    )
    earlier = State(
        sources={name: listed("taken", NOON if name == "a" else later) for name in "abcd"},
        docs_urls={"openai": "https://taken", "groq": "https://taken"},
    )

    both = known.completed_by(earlier)

    assert {name: list(each.models) for name, each in both.sources.items()} == {
        "a": ["kept"],
        "b": ["taken"],
        "c": ["taken"],
        "d": ["taken"],
    }
    assert both.docs_urls == {"openai": "https://kept", "groq": "https://taken"}


def test_models_that_are_no_longer_listed_are_gone_until_they_come_back() -> None:
    first = Listed(provider="p").after([Found("a"), Found("b")], NOON)
    second = first.after([Found("b")], utc_now())
    third = second.after([Found("a"), Found("b")], utc_now())

    assert (set(second.models), set(second.gone)) == ({"b"}, {"a"})
    assert (set(third.models), set(third.gone)) == ({"a", "b"}, set())


def test_entries_are_by_provider_and_model_and_say_since_when_a_model_is_gone() -> None:
    listed = Listed(provider="hosted_vllm", models={"a": {"mode": "chat"}}, gone={"b": NOON})

    assert State(sources={"my-vllm": listed}).entries == {
        "hosted_vllm/a": {"mode": "chat"},
        "hosted_vllm/b": {"gone_since": "2026-11-20"},
    }
