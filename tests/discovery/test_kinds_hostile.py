"""A listing that never ends, is none, or holds anything at all breaks no reader."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.discovery import DiscoveryFailed, Source
from governance.discovery.kinds import READERS
from tests.discovery.fake_provider import FakeProvider
from tests.discovery.reading import KEY, Open, read


@pytest.mark.parametrize(
    ("kind", "path", "page"),
    [
        ("anthropic", "/v1/models", {"data": [{"id": "a"}], "has_more": True, "last_id": "a"}),
        ("google", "/v1beta/models", {"models": [{"name": "models/a"}], "nextPageToken": "a"}),
    ],
)
async def test_pages_without_end_are_left(
    provider: FakeProvider, outbound: Open, kind: str, path: str, page: Any
) -> None:
    provider.says(path, page)
    with pytest.raises(DiscoveryFailed, match="pages without end"):
        await read(outbound, provider.source(kind, key=KEY))


LISTS = {
    "openai": "/v1/models",
    "openai_compatible": "/v1/models",
    "groq": "/openai/v1/models",
    "anthropic": "/v1/models",
    "google": "/v1beta/models",
    "openrouter": "/api/v1/models",
    "vercel_ai_gateway": "/v1/models",
    "ollama": "/api/tags",
}


SHAPES = [{}, None, "models", 7, {"data": {}}, {"models": "none"}, {"error": {"message": "x"}}]


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("answer", SHAPES)
async def test_an_answer_of_another_shape_is_no_list(
    provider: FakeProvider, outbound: Open, kind: str, answer: Any
) -> None:
    provider.says(LISTS[kind], answer)
    with pytest.raises(DiscoveryFailed, match="no list of models"):
        await read(outbound, provider.source(kind, key=KEY))


class Told:
    """Stands for `Outbound` where only the payload matters."""

    def __init__(self, source: Source, answer: Any) -> None:
        self.source, self._answer = source, answer

    async def json(self, url: str, headers: Any = None, body: Any = None) -> Any:
        return self._answer


FIELDS = [
    "id",
    "name",
    "active",
    "type",
    "context_window",
    "max_tokens",
    "has_more",
    "last_id",
    "nextPageToken",
    "pricing",
    "prompt",
    "architecture",
    "modality",
    "input_modalities",
    "capabilities",
    "supported",
    "tags",
    "details",
    "families",
    "lifecycle",
    "model_info",
    "a.context_length",
    "supportedGenerationMethods",
    "supported_parameters",
    "top_provider",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=30,
)


@pytest.mark.parametrize("kind", LISTS)
@settings(max_examples=60)
@given(items=st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8), max_size=4), more=JSON)
async def test_no_payload_breaks_a_reader(kind: Any, items: Any, more: Any) -> None:
    answer = {"data": items, "models": items, "has_more": more, "last_id": more, "nextPageToken": more}
    try:
        found = await READERS[kind](Told(Source("x", "x", kind, "https://x"), answer))  # type: ignore[arg-type]
    except DiscoveryFailed:
        return

    json.dumps([each.entry for each in found], allow_nan=False)
    assert all(each.name.isprintable() and " " not in each.name for each in found)
