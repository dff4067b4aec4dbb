"""The file that keeps what discovery knows."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

from governance.discovery import DiscoveryFailed, Found, Listed, State, Store, default_path
from governance.discovery.state import utc_now
from tests.patience import ended

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def with_models(*names: str) -> State:
    listed = Listed(provider="openai").after([Found(name, {"mode": "chat"}) for name in names], NOON)
    return State(sources={"openai": listed})


def test_what_one_has_written_another_reads(cache: Path) -> None:
    writer, reader = Store(cache), Store(cache)
    assert reader.state == State()

    writer.change(lambda _: with_models("gpt-4o"))

    assert reader.state == writer.state == with_models("gpt-4o")
    assert reader.state is reader.state, "it is read once for each change"


def test_the_file_is_for_its_owner_only(cache: Path) -> None:
    Store(cache).change(lambda _: with_models("gpt-4o"))

    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.parent.stat().st_mode) == 0o700
    assert {path.name for path in cache.parent.iterdir()} == {"catalogue.json", "catalogue.lock"}


@pytest.mark.parametrize("damage", ["", "{", '{"sources": 7}', '{"version": 2}', "[]", "\x00"])
def test_a_damaged_file_is_told_and_what_was_known_stays(cache: Path, damage: str) -> None:
    store = Store(cache)
    store.change(lambda _: with_models("gpt-4o"))
    assert store.state == with_models("gpt-4o")
    cache.write_text(damage)

    assert store.state == with_models("gpt-4o")
    assert str(cache) in str(store.problem)
    assert "is damaged" in str(store.problem)


def test_a_damaged_file_is_kept_aside_when_it_is_written_anew(cache: Path) -> None:
    store = Store(cache)
    store.change(lambda _: with_models("gpt-4o"))
    cache.write_text("{damaged")
    store.change(lambda state: state.model_copy(update={"docs_urls": {"openai": "https://x"}}))

    assert cache.with_suffix(".damaged.json").read_text() == "{damaged"
    assert store.problem is None
    assert Store(cache).state.sources == with_models("gpt-4o").sources


def test_a_file_that_was_removed_is_an_empty_one(cache: Path) -> None:
    store = Store(cache)
    store.change(lambda _: with_models("gpt-4o"))
    cache.unlink()

    assert store.state == Store(cache).state == State()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DiscoveryFailed, match="cannot be written: "):
        Store(tmp_path / "file" / "catalogue.json").change(lambda state: state)


def test_a_change_that_fails_leaves_the_file_as_it_was(cache: Path) -> None:
    store = Store(cache)
    store.change(lambda _: with_models("gpt-4o"))

    def fails(state: State) -> State:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.change(fails)

    assert Store(cache).state == with_models("gpt-4o")


def test_processes_that_write_at_once_lose_nothing(cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from governance.discovery import Listed, Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "for i in range(20): store.change(lambda s, i=i: s.with_source(f'{sys.argv[2]}{i}', Listed(provider='x')))"
    )
    racers = [subprocess.Popen([sys.executable, "-c", code, str(cache), name]) for name in "abc"]

    assert [ended(racer) for racer in racers] == [0, 0, 0]
    assert len(Store(cache).state.sources) == 60


def test_the_file_stands_where_the_environment_says() -> None:
    assert default_path({"GOVERNANCE_STATE_DIR": "/var/lib/g", "HOME": "/root"}) == Path("/var/lib/g/catalogue.json")
    assert default_path({"XDG_CACHE_HOME": "/c"}) == Path("/c/litellm-governance/catalogue.json")
    assert default_path({"XDG_CACHE_HOME": "c", "HOME": "/h"}) == Path("/h/.cache/litellm-governance/catalogue.json")


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
