"""What discovery knows, on both databases."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest

from governance.discovery import Change, Found, Listed, Source, State
from governance.discovery.sync import claim
from governance.store import NOTHING, Store
from governance.usecases.discovered import keep, learn, take_over

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
Open = Callable[[], Store]


def with_models(*names: str, of: str = "openai") -> Change:
    listed = Listed(provider=of).after([Found(name, {"mode": "chat"}) for name in names], NOON)
    return lambda state: state.with_source(of, listed)


def with_page(provider: str, url: str) -> Change:
    return lambda state: state.model_copy(update={"docs_urls": {**state.docs_urls, provider: url}})


def test_what_one_has_kept_another_learns_and_nothing_is_read_twice(open_one: Open) -> None:
    writer, reader = open_one(), open_one()
    assert learn(reader) is NOTHING

    keep(writer, with_models("gpt-4o"))
    first = learn(reader)
    keep(writer, with_models("llama", of="groq"))
    keep(writer, with_page("groq", "https://x"))
    second = learn(reader, first)

    assert (first.version, list(first.state.sources["openai"].models)) == (1, ["gpt-4o"])
    assert (second.version, set(second.state.entries)) == (3, {"openai/gpt-4o", "groq/llama"})
    assert second.state.docs_urls == {"groq": "https://x"}
    assert second.state.sources["openai"] is first.state.sources["openai"]
    assert learn(reader, second) is second
    assert learn(reader) == second


def test_what_is_kept_again_is_no_change(store: Store) -> None:
    keep(store, with_models("gpt-4o"))

    assert keep(store, with_models("gpt-4o")).version == 1
    assert keep(store, lambda state: state.model_copy(update={"docs_urls": {}})).version == 1


def test_a_change_that_fails_changes_nothing(store: Store) -> None:
    keep(store, with_models("gpt-4o"))

    def fails(state: State) -> State:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        keep(store, fails)

    assert learn(store).version == 1


def test_names_may_hold_whatever_a_policy_or_provider_says(store: Store) -> None:
    keep(store, with_models("zero\x00and'quotes\";--", of="größe % \\"))

    assert set(learn(store).state.entries) == {"größe % \\/zero\x00and'quotes\";--"}


def test_of_a_row_that_is_damaged_the_others_are_known_and_what_was_known_stays(store: Store) -> None:
    keep(store, with_models("gpt-4o"))
    before = keep(store, with_models("llama", of="groq"))
    with store.write() as work:
        work.revisions._connection.exec_driver_sql(
            "UPDATE discovery_source SET listed = '{', version = 3 WHERE name = 'openai'"
        )
        work.revisions._connection.exec_driver_sql("UPDATE discovery_version SET version = 3")

    anew, follows = learn(store), learn(store, before)

    assert (anew.damaged, set(anew.state.entries)) == (("openai",), {"groq/llama"})
    assert (follows.damaged, set(follows.state.entries)) == (("openai",), {"groq/llama", "openai/gpt-4o"})
    mended = keep(store, with_models("gpt-4o", of="openai"))
    assert (mended.damaged, set(mended.state.entries)) == ((), {"groq/llama", "openai/gpt-4o"})


def test_workers_that_start_at_once_claim_each_source_once(open_one: Open) -> None:
    sources, stores = [Source(name, name, "openai") for name in "abcdef"], [open_one() for _ in range(4)]

    async def write(store: Store, change: Change) -> State:
        return (await asyncio.to_thread(keep, store, change)).state

    async def race() -> list[list[Source]]:
        return await asyncio.gather(*(claim(sources, partial(write, store), 60.0, NOON) for store in stores))

    assert sorted(source.name for each in asyncio.run(race()) for source in each) == list("abcdef")


def test_a_file_of_an_earlier_version_is_taken_over_once(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    file = tmp_path / "catalogue.json"
    now = partial(datetime.now, timezone.utc)
    assert take_over(store, file, now) is None
    assert learn(store) is NOTHING
    earlier = with_page("groq", "https://old")(with_models("gpt-4o")(State()))
    file.write_text(earlier.model_dump_json())

    assert take_over(store, file, now) is None
    keep(store, lambda state: state.model_copy(update={"docs_urls": {}}))
    assert take_over(store, file, now) is None

    assert learn(store).state.docs_urls == {}, "what was reset since does not come back"
    assert set(learn(store).state.entries) == {"openai/gpt-4o"}
    assert [record.message for record in caplog.records if "taken over" in record.message] == [
        f"{file}: what discovery knew was taken over into the store ({store.name})"
    ]
    assert file.exists()
    file.write_text("{")
    assert "is damaged" in str(take_over(store, file, now))
    later = with_models("gpt-5")(State()).sources["openai"].model_copy(update={"at": NOON + timedelta(hours=1)})
    file.write_text(State(sources={"openai": later}).model_dump_json())
    take_over(store, file, now)
    assert set(learn(store).state.entries) == {"openai/gpt-5"}, "an earlier version has read it anew"
