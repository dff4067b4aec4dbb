"""Reading all providers, each one whole or not at all."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from governance.discovery import Change, Source, State
from governance.discovery.outbound import Bounds, Outbound
from governance.discovery.sync import Outcome, claim, discover
from governance.model.errors import StoreUnavailable
from tests.discovery.fake_provider import QUICK, Answer, FakeProvider
from tests.discovery.kept import InMemory

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def listing(*names: str) -> dict[str, Any]:
    return {"data": [{"id": name} for name in names]}


async def once(source: Source, kept: InMemory, bounds: Bounds = QUICK) -> Outcome:
    async def pause(seconds: float) -> None:
        return None

    def opened(source: Source) -> Outbound:
        return Outbound(source, bounds, pause=pause)

    [outcome] = await discover([source], kept.keep, bounds=bounds, open_source=opened, now=lambda: NOON)
    return outcome


async def test_the_first_listing_is_all_new_and_the_next_is_compared(provider: FakeProvider) -> None:
    kept, source = InMemory(), provider.source("openai_compatible")
    provider.says("/v1/models", listing("a", "b", "b"))
    first = await once(source, kept)
    provider.says("/v1/models", listing("b", "c"))
    second = await once(source, kept)

    assert (first.added, first.removed, first.unchanged, first.error) == (("a", "b"), (), 0, None)
    assert (second.added, second.removed, second.unchanged) == (("c",), ("a",), 1)
    listed = kept.state.sources[source.name]
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
async def test_an_empty_or_failed_answer_never_wipes_the_list(provider: FakeProvider, answer: Answer, why: str) -> None:
    kept, source = InMemory(), provider.source("openai_compatible")
    provider.says("/v1/models", listing("a"))
    await once(source, kept)
    provider.on("/v1/models", answer)

    outcome = await once(source, kept, Bounds(request_s=0.3, answer_bytes=100_000))

    assert why in str(outcome.error)
    listed = kept.state.sources[source.name]
    assert list(listed.models) == ["a"]
    assert listed.gone == {}
    assert why in str(listed.error), "the failure is visible"


async def test_a_listing_whose_later_page_fails_changes_nothing(provider: FakeProvider) -> None:
    kept, source = InMemory(), provider.source("anthropic", key="k")
    provider.says("/v1/models", {"data": [{"id": "a"}, {"id": "b"}], "has_more": False})
    await once(source, kept)
    provider.says("/v1/models?limit=1000", {"data": [{"id": "c"}], "has_more": True, "last_id": "c"})
    provider.on("/v1/models?limit=1000&after_id=c", Answer({}, 400))

    assert "400" in str((await once(source, kept)).error)
    assert set(kept.state.sources["anthropic"].models) == {"a", "b"}


async def test_too_many_models_are_not_believed(provider: FakeProvider) -> None:
    provider.says("/v1/models", listing(*map(str, range(20_001))))

    outcome = await once(provider.source("openai_compatible"), InMemory(), Bounds())

    assert "20,001 models" in str(outcome.error)


async def test_a_provider_without_its_key_is_not_even_asked(provider: FakeProvider) -> None:
    source = provider.source("openai", needs_key=True, key_names=("OPENAI_API_KEY",))

    outcome = await once(source, InMemory())

    assert outcome.error == "no key; set OPENAI_API_KEY, or give its `api_key` in the policy"
    assert provider.asked == []


async def test_all_are_read_at_once_and_one_failure_is_only_its_own(provider: FakeProvider) -> None:
    provider.says("/v1/models", listing("a"))
    provider.on("/bad/models", Answer({}, 404))
    kept = InMemory()
    good = [provider.source("openai_compatible", name=f"p{i}", provider=f"p{i}") for i in range(6)]
    bad = provider.source("openai_compatible", "/bad", name="bad")
    told: list[str] = []

    outcomes = await discover([*good, bad], kept.keep, lambda outcome: told.append(outcome.source.name))

    assert [outcome.error is None for outcome in outcomes] == [True] * 6 + [False]
    assert sorted(told) == ["bad", "p0", "p1", "p2", "p3", "p4", "p5"]
    assert len(kept.state.sources) == 7


async def test_a_source_that_takes_too_long_in_all_is_left(provider: FakeProvider) -> None:
    provider.on("/v1/models", Answer(hangs=True))

    outcome = await once(provider.source("openai_compatible"), InMemory(), Bounds(total_s=0.1, request_s=5))

    assert outcome.error == "not done within 0.1 s"


async def test_nothing_secret_is_kept(provider: FakeProvider) -> None:
    kept = InMemory()
    provider.on("/v1/models", Answer({"error": "key sk-very-secret is wrong"}, 401))

    await once(provider.source("openai", key="sk-very-secret"), kept)

    assert "sk-very-secret" not in kept.state.model_dump_json()
    assert "sk-very-secret" not in repr(provider.source("openai", key="sk-very-secret"))


async def test_a_source_whose_provider_was_changed_starts_anew(provider: FakeProvider) -> None:
    kept = InMemory()
    provider.says("/v1/models", listing("a"))
    await once(provider.source("openai_compatible", name="mine", provider="vllm"), kept)
    provider.says("/v1/models", listing("b"))

    outcome = await once(provider.source("openai_compatible", name="mine", provider="hosted_vllm"), kept)

    assert outcome.removed == ()
    assert set(kept.state.entries) == {"hosted_vllm/b"}


class Away(InMemory):
    """Nothing can be kept there."""

    async def keep(self, change: Change) -> State:
        raise StoreUnavailable("the store does not answer")


async def test_a_store_that_does_not_answer_is_an_outcome(provider: FakeProvider) -> None:
    provider.says("/v1/models", listing("a"))

    outcome = await once(provider.source("openai_compatible"), Away())

    assert outcome.error == "the store does not answer"


async def test_certificates_that_cannot_be_read_are_an_outcome(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")

    outcome = await once(provider.source("openai_compatible"), InMemory())

    assert "SSL_CERT_FILE" in str(outcome.error)


async def test_of_several_workers_one_reads_what_is_due() -> None:
    sources, kept = [Source("a", "a", "openai"), Source("b", "b", "openai")], InMemory()

    assert await claim(sources, kept.keep, 3600, NOON) == sources
    assert await claim(sources, kept.keep, 3600, NOON + timedelta(minutes=1)) == []
    assert await claim(sources[:1], kept.keep, 3600, NOON + timedelta(hours=1)) == sources[:1]
    assert await claim(sources, kept.keep, 3600, NOON + timedelta(hours=1)) == sources[1:]
