"""Everything in a body that the model reads, whatever its API: how long it is, and what a model must be able to read.

A body is walked with a bound on time. Of lists that are too long for it, entries from all over the list are looked at,
and the rest is taken to be like them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from math import gcd
from typing import Any, Final

from governance.intake.estimate import Estimator
from governance.intake.media import OTHER, PAYLOAD_KEYS, SCHEMES, TEXT, Medium, medium_in_text, medium_of

_MOST_NODES: Final = 800
_LEAST_NODES: Final = 32
_MOST_KEYS: Final = 256
# To find out what a medium is takes as long as so many plain entries.
_NODES_PER_MEDIUM: Final = 8
_DEEPEST: Final = 8
_DEEPEST_SCHEMA: Final = 12
# Shorter lists are walked in order.
_FEW: Final = 16

# For images, documents and what else has no length in a body; OpenAI's images take 85 to 1,105.
_TOKENS_PER_MEDIUM: Final = 800
# A turn's role and its marks, in the chat formats of OpenAI, Anthropic and Meta; Google bills none.
_MILLITOKENS_PER_TURN: Final = 4_000
# Google counts the most tokens for a second of audio. Speech in a compressed form has at least 8,000 bytes a second.
_AUDIO_TOKENS_PER_S: Final = 32
_BYTES_PER_S: Final = {"wav": 32_000, "pcm16": 48_000}
_BYTES_PER_S_COMPRESSED: Final = 8_000

_MESSAGE_KEYS: Final = (
    "messages",
    "input",
    "prompt",
    "contents",
    "query",
    "documents",
    "system",
    "instructions",
    "systemInstruction",
    "system_instruction",
    "prediction",
    "suffix",
    "texts",
    "message",
    "preamble",
    "chat_history",
)
# Where a schema for the answer stands, under one of the names after it.
_FORMAT_KEYS: Final = ("response_format", "output_format", "text", "output_config", "generationConfig", "config")
_SCHEMA_KEYS: Final = (
    *("format", "json_schema", "schema", "responseSchema", "response_schema", "responseJsonSchema"),
    "response_json_schema",
)
# Of a part of a message: what no model reads. Of the rest anything may be text, under whatever name.
_UNREAD: Final = frozenset(
    {
        *("role", "type", "id", "status", "index", "phase", "detail", "format", "cache_control", "cachePoint"),
        *("signature", "thoughtSignature", "thought_signature", "encrypted_content", "data", "bytes"),
        *("citations", "annotations", "logprobs", "provider_specific_fields", "extra_content", "finish_reason"),
        *("mime_type", "mimeType", "media_type", "mediaType", "file_id", "fileUri", "file_uri"),
    }
)
# What is looked for in a part that has very many names.
_USUAL: Final = (
    *(
        "content",
        "parts",
        "text",
        "output",
        "source",
        "inlineData",
        "inline_data",
        "fileData",
        "file_data",
        "tool_calls",
    ),
    *("function", "arguments", "input", "reasoning_content", "thinking", "summary", "refusal", "functionCall"),
    *("functionResponse", "function_response", "function_call", "toolUse", "toolResult"),
)
# Of any JSON that the caller's tools take and give.
_GOOGLES_RESULTS: Final = ("functionResponse", "function_response")
_OF_TOOLS: Final = frozenset({"input", "functionCall", "function_call", "toolUse", *_GOOGLES_RESULTS})


class Content:
    """What one body holds for the model.

    Attributes:
        needs: capabilities that a model needs to read it.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.needs: set[str] = set()
        self._estimator = Estimator()
        self._left = _MOST_NODES
        # Thousandths of tokens; those of audio are counted apart too. Images in thousandths, because they are scaled.
        self._sums = [0, 0, 0]
        for key in _MESSAGE_KEYS:
            if key in body:
                self._walk(body[key], 0)
        for key in ("tools", "functions", "toolConfig"):
            if key in body:
                self._size(body[key], 0)
        for key in _FORMAT_KEYS:
            form = body.get(key)
            schemas = [form.get(name) for name in _SCHEMA_KEYS] if isinstance(form, dict) else []
            for schema in schemas:
                if isinstance(schema, dict):
                    self._size(schema, 0)

    @property
    def tokens(self) -> int:
        """Of everything, an estimate."""
        return -(-self._sums[0] // 1000)

    @property
    def audio_tokens(self) -> int:
        """Those of audio, by the length of its data."""
        return -(-self._sums[1] // 1000)

    @property
    def images(self) -> int:
        """How many."""
        return -(-self._sums[2] // 1000)

    def _walk(self, value: Any, depth: int) -> None:
        self._left -= 1
        if isinstance(value, str):
            self._say(value)
        elif depth > _DEEPEST:
            return
        elif isinstance(value, dict):
            self._part(value, depth)
        elif isinstance(value, list):
            if value and type(value[0]) is int and all(type(item) is int for item in value[:_FEW]):
                self._sums[0] += len(value) * 1000
            else:
                self._each(value, self._walk, depth)

    def _part(self, part: dict[str, Any], depth: int) -> None:
        medium = medium_of(part)
        if medium is not None:
            self._count(medium)
            if medium.kind not in (TEXT, OTHER):
                self.needs.add(medium.kind)
        elif "role" in part and "parts" not in part:
            self._sums[0] += _MILLITOKENS_PER_TURN
        for key in part if len(part) <= _FEW else _USUAL:
            if key in _UNREAD or key not in part or (medium is not None and key in PAYLOAD_KEYS):
                continue
            value = part[key]
            if type(value) is str:
                if not key.endswith("_id"):
                    self._left -= 1
                    self._say(value)
            elif key in _OF_TOOLS:
                self._of_tool(key, value, depth + 1)
            # LiteLLM has the same thoughts under both names.
            elif key != "thinking_blocks" or not part.get("reasoning_content"):
                self._walk(value, depth + 1)

    def _of_tool(self, key: str, value: Any, depth: int) -> None:
        """What a tool was given or gave is any JSON; Google's results have parts of messages beside it."""
        if key in _GOOGLES_RESULTS and isinstance(value, dict) and "parts" in value and len(value) <= _FEW:
            self._walk(value["parts"], depth)
            value = {name: value[name] for name in value if name != "parts"}
        self._size(value, depth)

    def _say(self, text: str) -> None:
        medium = medium_in_text(text) if text.startswith(SCHEMES) else None
        if medium is None:
            self._sums[0] += self._estimator.millitokens(text)
        else:
            self._count(medium)

    def _count(self, medium: Medium) -> None:
        self._left -= _NODES_PER_MEDIUM
        if medium.kind == TEXT:
            if medium.encoded:
                self._sums[0] += self._estimator.encoded_millitokens(medium.data, medium.start)
            else:
                self._sums[0] += self._estimator.millitokens(medium.data[medium.start :])
            return
        tokens = _TOKENS_PER_MEDIUM
        if medium.kind == "audio_input":
            tokens = max(tokens, _audio_tokens(medium))
            self._sums[1] += tokens * 1000
        elif medium.kind == "vision":
            self._sums[2] += 1000
        self._sums[0] += tokens * 1000

    def _size(self, value: Any, depth: int) -> None:
        """The length of any JSON, keys and all: tools, and what they take and give."""
        self._left -= 1
        if isinstance(value, str):
            self._say(value)
        elif depth > _DEEPEST_SCHEMA:
            return
        elif isinstance(value, dict):
            keys = list(islice(value, _MOST_KEYS))
            texts: list[str] = []
            nested: list[Any] = []
            medium = medium_of(value)
            # With an address alone it is what a tool speaks of, and not what a model sees.
            held = medium is not None and bool(medium.data)
            for key in keys:
                item = value[key]
                if held and key in PAYLOAD_KEYS:
                    continue
                texts.append(str(key))
                if isinstance(item, str):
                    (nested if item.startswith(SCHEMES) else texts).append(item)
                elif isinstance(item, (dict, list)):
                    nested.append(item)
            before = tuple(self._sums)
            # A mapping takes as long as a few plain entries.
            self._left -= 2 + len(texts) // 4
            self._sums[0] += self._estimator.millitokens('":"'.join(texts))
            if medium is not None and held:
                self._count(medium)
            self._each(nested, self._size, depth)
            self._scale(before, len(value), len(keys))
        elif isinstance(value, list):
            self._each(value, self._size, depth)

    def _each(self, items: list[Any], visit: Callable[[Any, int], None], depth: int) -> None:
        """Visit as many entries as there is time for, and count the others as if they were like these."""
        before, visited = tuple(self._sums), 0
        for item in _spread(items):
            left = self._left
            if left <= 0:
                break
            # One entry, however large, leaves time for the others.
            self._left = share = max(_LEAST_NODES, left // 4)
            visit(item, depth + 1)
            self._left += left - share
            visited += 1
        self._scale(before, len(items), visited)

    def _scale(self, before: tuple[int, ...], total: int, seen: int) -> None:
        if 0 < seen < total:
            self._sums = [was + (now - was) * total // seen for was, now in zip(before, self._sums, strict=True)]


def _spread(items: list[Any]) -> Iterator[Any]:
    """All entries, each time far from the last ones, so that those before any point come from all over the list."""
    size = len(items)
    if size <= _FEW:
        yield from items
        return
    step = size * 5 // 8
    while gcd(step, size) != 1:
        step += 1
    at = 0
    for _ in range(size):
        yield items[at]
        at = (at + step) % size


def _audio_tokens(medium: Medium) -> int:
    """About how many tokens audio has, by the length of its data; 0 where the body has only its address."""
    per_s = _BYTES_PER_S.get(medium.form, _BYTES_PER_S_COMPRESSED)
    return -(-(len(medium.data) - medium.start) * 3 * _AUDIO_TOKENS_PER_S // (4 * per_s))
