"""Which models can serve images, audio and video, which cannot, and why."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.engine.simulation import SimulationInput, simulate
from governance.model.errors import GovernanceError
from governance.usecases.who_serves import help_for, who_serves, words_of

NOW_S = 1_795_910_400.0  # 2026-11-29
MAP: dict[str, Any] = {
    "sees": {"litellm_provider": "a", "mode": "chat", "input_cost_per_token": 1e-6, "supports_vision": True},
    "cheap": {"litellm_provider": "a", "mode": "chat", "input_cost_per_token": 1e-7, "supports_vision": True},
    "blind": {"litellm_provider": "a", "mode": "chat", "supports_vision": False},
    "over": {"litellm_provider": "a", "mode": "chat", "supports_vision": True, "deprecation_date": "2026-11-01"},
    "paints": {"litellm_provider": "a", "mode": "image_generation"},
    "listens": {"litellm_provider": "a", "mode": "audio_transcription"},
}
NAMED = [*(f"a/{name}" for name in MAP), "a/unheard-of"]


def told(*words: str, catalog: Catalog | None = None, request_type: str = "") -> dict[str, bool | None]:
    rows = who_serves(catalog or Catalog(None, MAP), words, NOW_S, named=NAMED, request_type=request_type)
    return {row["model"]: row["serves"] for row in rows}


def test_those_that_can_come_first_the_cheapest_before_the_others_then_those_nobody_knows() -> None:
    found = told("image")

    assert list(found)[:3] == ["a/cheap", "a/sees", "a/unheard-of"]
    assert [found[name] for name in ("a/cheap", "a/sees", "a/unheard-of", "a/blind", "a/over")] == [
        True,
        True,
        None,
        False,
        False,
    ]


def test_each_says_why() -> None:
    why = {row["model"]: row["why"] for row in who_serves(Catalog(None, MAP), ["image"], NOW_S, named=NAMED)}

    assert why["a/sees"] == "takes image, text, makes text"
    assert why["a/blind"] == "brings image, takes text"
    assert why["a/over"] == "switched off by its provider on 2026-11-01"
    assert why["a/unheard-of"] == "nobody says what it takes"


def test_what_is_wanted_counts_as_what_is_brought_does() -> None:
    assert [name for name, serves in told("image_generation").items() if serves] == ["a/paints"]
    assert [name for name, serves in told("audio", request_type="transcription").items() if serves] == ["a/listens"]


def test_who_is_not_served_here_cannot() -> None:
    found = told("image", catalog=Catalog([{"model_name": "a/cheap"}], MAP))

    assert [name for name, serves in found.items() if serves] == ["a/cheap"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["image"], ("image",)),
        ([" Vision, speech", "picture"], ("image", "audio_generation")),
        (["text", "image-generation", ""], ("image_generation",)),
        ([], ()),
    ],
)
def test_words_are_understood(said: list[str], words: tuple[str, ...]) -> None:
    assert words_of(said) == words


def test_other_words_are_refused_with_the_nearest() -> None:
    with pytest.raises(GovernanceError, match="`imag` is none, did you mean `image`"):
        words_of(["imag"])


def test_a_decision_is_helped_where_it_needs_images_audio_or_video() -> None:
    host = Host.parse("version: 1\ntask_routing: {profiles: {lab: {code: [a/blind], fallback: [a/sees, a/blind]}}}\n")
    catalog = Catalog(None, MAP)

    def asked(**given: Any) -> dict[str, Any] | None:
        record = asyncio.run(simulate(host, SimulationInput(**given), catalog)).trace.record()
        return help_for(record, catalog, host.policy)

    body = {"model": "lab/code"}
    found = asked(body=body, modalities=("text", "image"), at="2026-11-29T00:00:00Z")
    assert found is not None
    assert (found["needs"], found["serve"][-1], found["left_out"]) == (["image"], "a/sees", 0)
    assert {"model": "a/blind", "why": "brings image, takes text"} in found["cannot"]
    assert asked(body=body) is None
