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

_MOST_NODES: Final = 800
_LEAST_NODES: Final = 32
_MOST_KEYS: Final = 256
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

_PART_NEEDS: Final = {
    "image_url": "vision",
    "image": "vision",
    "input_image": "vision",
    "input_audio": "audio_input",
    "audio": "audio_input",
    "audio_url": "audio_input",
    "video": "video_input",
    "video_url": "video_input",
    "input_video": "video_input",
    "file": "pdf_input",
    "document": "pdf_input",
    "input_file": "pdf_input",
}
_MIME_NEEDS: Final = {
    "image/": "vision",
    "audio/": "audio_input",
    "video/": "video_input",
    "application/pdf": "pdf_input",
}
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
)
_NEST_KEYS: Final = frozenset(
    {
        "content",
        "parts",
        "output",
        "text",
        "source",
        "inlineData",
        "inline_data",
        "fileData",
        "file_data",
        "arguments",
        "function",
        "tool_calls",
    }
)
# Of any JSON that the caller's tools take and give.
_VALUE_KEYS: Final = frozenset({"input", "functionCall", "functionResponse", "function_call"})


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
        for key in ("tools", "functions"):
            if key in body:
                self._size(body[key], 0)

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
            self._sums[0] += self._estimator.millitokens(value)
        elif depth > _DEEPEST:
            return
        elif isinstance(value, dict):
            self._part(value, depth)
        elif isinstance(value, list):
            if value and all(type(item) is int for item in value[:_FEW]):
                self._sums[0] += len(value) * 1000
            else:
                self._each(value, self._walk, depth)

    def _part(self, part: dict[str, Any], depth: int) -> None:
        need = self._medium(part)
        if need:
            self.needs.add(need)
            self._count_medium(need, part)
            return
        if "role" in part and "parts" not in part:
            self._sums[0] += _MILLITOKENS_PER_TURN
        keys = part if len(part) <= _FEW else _NEST_KEYS | _VALUE_KEYS
        for key in keys:
            if key in _NEST_KEYS:
                if key in part:
                    self._walk(part[key], depth + 1)
            elif key in _VALUE_KEYS and key in part:
                self._size(part[key], depth + 1)

    def _medium(self, part: dict[str, Any]) -> str | None:
        kind = part.get("type")
        need = _PART_NEEDS.get(kind) if isinstance(kind, str) else None
        if need == "pdf_input":
            source = part.get("source")
            # Anthropic's documents of plain text are text.
            if isinstance(source, dict) and source.get("type") in ("text", "content"):
                self._walk(source.get("data"), _DEEPEST)
                return None
        if need:
            return need
        mime = part.get("mime_type") or part.get("mimeType") or part.get("media_type")
        if not isinstance(mime, str):
            return None
        return next((need for prefix, need in _MIME_NEEDS.items() if mime.startswith(prefix)), None)

    def _count_medium(self, need: str, part: dict[str, Any]) -> None:
        tokens = _TOKENS_PER_MEDIUM
        if need == "audio_input":
            tokens = max(tokens, _audio_tokens(part))
            self._sums[1] += tokens * 1000
        elif need == "vision":
            self._sums[2] += 1000
        self._sums[0] += tokens * 1000

    def _size(self, value: Any, depth: int) -> None:
        """The length of any JSON, keys and all: tools, and what they take and give."""
        self._left -= 1
        if isinstance(value, str):
            self._sums[0] += self._estimator.millitokens(value)
        elif depth > _DEEPEST_SCHEMA:
            return
        elif isinstance(value, dict):
            keys = list(islice(value, _MOST_KEYS))
            texts: list[str] = []
            nested: list[Any] = []
            for key in keys:
                texts.append(str(key))
                item = value[key]
                if isinstance(item, str):
                    texts.append(item)
                elif isinstance(item, (dict, list)):
                    nested.append(item)
            before = tuple(self._sums)
            # A mapping takes as long as a few plain entries.
            self._left -= 2 + len(texts) // 4
            self._sums[0] += self._estimator.millitokens('":"'.join(texts))
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


def _audio_tokens(part: dict[str, Any]) -> int:
    """About how many tokens audio has, by the length of its data; 0 where the body has only its address."""
    for name in ("input_audio", "audio", "source"):
        inner = part.get(name)
        if isinstance(inner, dict):
            part = inner
            break
    encoded = part.get("data")
    if not isinstance(encoded, str):
        return 0
    form = part.get("format") or str(part.get("mimeType") or part.get("mime_type") or "").rpartition("/")[2]
    per_s = _BYTES_PER_S.get(form, _BYTES_PER_S_COMPRESSED) if isinstance(form, str) else _BYTES_PER_S_COMPRESSED
    return -(-len(encoded) * 3 * _AUDIO_TOKENS_PER_S // (4 * per_s))
