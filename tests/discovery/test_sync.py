"""Reading all providers, each one whole or not at all."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from governance.discovery import DiscoveryFailed, Source, Store
from governance.discovery.outbound import Bounds, Outbound
from governance.discovery.sync import Outcome, claim, discover
from tests.discovery.fake_provider import QUICK, Answer, FakeProvider

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def listing(*names: str) -> dict[str, Any]:
    return {"data": [{"id": name} for name in names]}


async def once(source: Source, store: Store, bounds: Bounds = QUICK) -> Outcome:
    async def pause(seconds: float) -> None:
        return None

    def opened(source: Source) -> Outbound:
        return Outbound(source, bounds, pause=pause)

    [outcome] = await discover([source], store, bounds=bounds, open_source=opened, now=lambda: NOON)
    return outcome


async def test_the_first_listing_is_all_new_and_the_next_is_compared(provider: FakeProvider, cache: Path) -> None:
    store, source = Store(cache), provider.source("openai_compatible")
    provider.says("/v1/models", listing("a", "b", "b"))
    first = await once(source, store)
    provider.says("/v1/models", listing("b", "c"))
    second = await once(source, store)

    assert (first.added, first.removed, first.unchanged, first.error) == (("a", "b"), (), 0, None)
    assert (second.added, second.removed, second.unchanged) == (("c",), ("a",), 1)
    listed = Store(cache).state.sources[source.name]
    assert (set(listed.models), set(listed.gone), listed.at) == ({"b", "c"}, {"a"}, NOON)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(listing()), "lists no models at all; what was known is kept"),
        (Answer(listing("", "two words", "x" * 301)), "lists no models at all"),
        (Answer({}, 500), "answered 500"),
        (Answer({}, 401), "answered 401"),
        (Answer(b"<html>"), "not JSON"),
        (Answer({"detail": "?"}), "no list of models"),
        (Answer(b"x" * 200_000), "more than 100,000 bytes"),
        (Answer(hangs=True), "did not answer within"),
    ],
)
async def test_an_empty_or_failed_answer_never_wipes_the_list(
    provider: FakeProvider, cache: Path, answer: Answer, why: str
) -> None:
    store, source = Store(cache), provider.source("openai_compatible")
    provider.says("/v1/models", listing("a"))
    await once(source, store)
    provider.on("/v1/models", answer)

    outcome = await once(source, store, Bounds(request_s=0.3, answer_bytes=100_000))

    assert why in str(outcome.error)
    listed = Store(cache).state.sources[source.name]
    assert list(listed.models) == ["a"]
    assert listed.gone == {}
    assert why in str(listed.error), "the failure is visible"


async def test_a_listing_whose_later_page_fails_changes_nothing(provider: FakeProvider, cache: Path) -> None:
    store, source = Store(cache), provider.source("anthropic", key="k")
    provider.says("/v1/models", {"data": [{"id": "a"}, {"id": "b"}], "has_more": False})
    await once(source, store)
    provider.says("/v1/models?limit=1000", {"data": [{"id": "c"}], "has_more": True, "last_id": "c"})
    provider.on("/v1/models?limit=1000&after_id=c", Answer({}, 400))

    assert "400" in str((await once(source, store)).error)
    assert set(store.state.sources["anthropic"].models) == {"a", "b"}


async def test_too_many_models_are_not_believed(provider: FakeProvider, cache: Path) -> None:
    provider.says("/v1/models", listing(*map(str, range(20_001))))

    outcome = await once(provider.source("openai_compatible"), Store(cache), Bounds())

    assert "20,001 models" in str(outcome.error)


async def test_a_provider_without_its_key_is_not_even_asked(provider: FakeProvider, cache: Path) -> None:
    source = provider.source("openai", needs_key=True, key_names=("OPENAI_API_KEY",))

    outcome = await once(source, Store(cache))

    assert outcome.error == "no key; set OPENAI_API_KEY, or give its `api_key` in the policy"
    assert provider.asked == []


async def test_all_are_read_at_once_and_one_failure_is_only_its_own(provider: FakeProvider, cache: Path) -> None:
    provider.says("/v1/models", listing("a"))
    provider.on("/bad/models", Answer({}, 404))
    good = [provider.source("openai_compatible", name=f"p{i}", provider=f"p{i}") for i in range(6)]
    bad = provider.source("openai_compatible", "/bad", name="bad")
    told: list[str] = []

    outcomes = await discover([*good, bad], Store(cache), lambda outcome: told.append(outcome.source.name))

    assert [outcome.error is None for outcome in outcomes] == [True] * 6 + [False]
    assert sorted(told) == ["bad", "p0", "p1", "p2", "p3", "p4", "p5"]
    assert len(Store(cache).state.sources) == 7


async def test_a_source_that_takes_too_long_in_all_is_left(provider: FakeProvider, cache: Path) -> None:
    provider.on("/v1/models", Answer(hangs=True))

    outcome = await once(provider.source("openai_compatible"), Store(cache), Bounds(total_s=0.1, request_s=5))

    assert outcome.error == "not done within 0.1 s"


async def test_nothing_secret_is_kept(provider: FakeProvider, cache: Path) -> None:
    provider.on("/v1/models", Answer({"error": "key sk-very-secret is wrong"}, 401))

    await once(provider.source("openai", key="sk-very-secret"), Store(cache))

    assert "sk-very-secret" not in Store(cache).state.model_dump_json()
    assert "sk-very-secret" not in repr(provider.source("openai", key="sk-very-secret"))


async def test_a_source_whose_provider_was_changed_starts_anew(provider: FakeProvider, cache: Path) -> None:
    store = Store(cache)
    provider.says("/v1/models", listing("a"))
    await once(provider.source("openai_compatible", name="mine", provider="vllm"), store)
    provider.says("/v1/models", listing("b"))

    outcome = await once(provider.source("openai_compatible", name="mine", provider="hosted_vllm"), store)

    assert outcome.removed == ()
    assert set(store.state.entries) == {"hosted_vllm/b"}


async def test_a_store_that_cannot_be_written_is_an_outcome(provider: FakeProvider, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    provider.says("/v1/models", listing("a"))

    outcome = await once(provider.source("openai_compatible"), Store(tmp_path / "file" / "x.json"))

    assert "cannot be written" in str(outcome.error)


async def test_certificates_that_cannot_be_read_are_an_outcome(
    provider: FakeProvider, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")

    outcome = await once(provider.source("openai_compatible"), Store(cache))

    assert "SSL_CERT_FILE" in str(outcome.error)


def test_of_several_workers_one_reads_what_is_due(cache: Path) -> None:
    sources = [Source("a", "a", "openai"), Source("b", "b", "openai")]
    one, other = Store(cache), Store(cache)

    assert claim(sources, one, 3600, NOON) == sources
    assert claim(sources, other, 3600, NOON + timedelta(minutes=1)) == []
    assert claim(sources[:1], other, 3600, NOON + timedelta(hours=1)) == sources[:1]
    assert claim(sources, one, 3600, NOON + timedelta(hours=1)) == sources[1:]


def test_many_workers_that_start_at_once_claim_each_source_once(cache: Path) -> None:
    sources = [Source(name, name, "openai") for name in "abcdef"]

    async def race() -> list[list[Source]]:
        return await asyncio.gather(*(asyncio.to_thread(claim, sources, Store(cache), 60.0, NOON) for _ in range(8)))

    claimed = [source.name for each in asyncio.run(race()) for source in each]

    assert sorted(claimed) == list("abcdef")


def test_what_cannot_be_written_cannot_be_claimed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiscoveryFailed, match="cannot be written"):
        claim([Source("a", "a", "openai")], Store(tmp_path / "file" / "x.json"), 60, NOON)
