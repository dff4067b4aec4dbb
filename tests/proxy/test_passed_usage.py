"""Usage that stands in an answer which LiteLLM passes on as it is."""

from typing import Any

import httpx
import pytest

from governance.proxy.passed import told_in

USAGE = '{"prompt_tokens": 300, "completion_tokens": 40}'
FOUND = {"prompt_tokens": 300, "completion_tokens": 40}


@pytest.mark.parametrize(
    "answer",
    [
        {"response": f'{{"text": "Hi", "usage": {USAGE}}}'},
        {"response": {"text": "Hi", "usage": FOUND}},
        {"response": f'data: {{}}\n\ndata: {{"usageMetadata":{USAGE}}}\n\ndata: [DONE]'},
        {"response": "cannot parse chunks. Chunks=" + str([f'data: {{"usage": {USAGE}}}', "data: [DONE]"])},
        {"response": f'{{"text": "{"x" * 3_000_000}", "usage": {USAGE}}}'},
        httpx.Response(200, text=f'{{"usage": {USAGE}}}'),
    ],
    ids=["json", "object", "stream", "chunks", "long", "httpx"],
)
def test_it_is_found_in_whatever_shape_the_answer_was_kept(answer: Any) -> None:
    assert told_in(answer) == [FOUND]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"response": ""},
        {"response": '{"text": "so \\"usage\\": {\\"prompt_tokens\\": 9}"}'},
        {"response": '{"usage": {"prompt_tokens": '},
        {"response": '{"usage": 5, "usage_of": {"prompt_tokens": 9}}'},
        {"response": '"usage":' + '{"a":' * 100_000},
        httpx.Response(200, stream=httpx.ByteStream(b"{}")),
    ],
    ids=["nothing", "empty", "said by the model", "cut off", "of another shape", "deep", "never read"],
)
def test_and_nowhere_else(answer: Any) -> None:
    assert told_in(answer) == []
