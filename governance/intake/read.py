"""A call as it came in to a `Request`: what it asks for, what it needs and about how long it is.

Bodies of every API that LiteLLM speaks are read as they are; whatever has an unexpected shape is passed over,
because judging a body is the provider's business.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from governance.intake.content import Content
from governance.intake.conversation import BodyConversation
from governance.intake.held import held_in
from governance.model import NOBODY, NOTHING, Identity, Models, Request
from governance.model.vocabulary import request_type

LONGEST_TEXT: Final = 8 * 1024
# Each is put to the plugins.
_MOST_FALLBACKS: Final = 16
# More than anybody sends in good faith; what comes behind is passed over.
_MOST_ENTRIES: Final = 256

_LONGEST_TASK: Final = 64

# A chat of nothing else asks for no ability, no other kind of answer, one answer, and has no fallbacks. None of the
# names that `_asked_for`, `_choices` and `fallback_names` look at may stand here.
_PLAIN: Final = frozenset(
    {
        *("model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stream", "user"),
        *("stream_options", "stop", "seed", "presence_penalty", "frequency_penalty", "metadata"),
    }
)

_MODALITY_OF: Final = {"vision": "image", "audio_input": "audio", "video_input": "video"}
_PRODUCES: Final = {
    "image_generation": "image_generation",
    "video_generation": "video_generation",
    "speech": "audio_generation",
    "embedding": "embedding",
}


_MOST_OUTPUT: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")


def read_request(
    call_type: str,
    body: Mapping[str, Any],
    *,
    identity: Identity = NOBODY,
    headers: Mapping[str, Any] = NOTHING,
    tags: Sequence[str] = (),
    task: str | None = None,
    models: Models | None = None,
    draw: Callable[[], float] = random.random,
) -> Request:
    """Normalise one call.

    Args:
        call_type: LiteLLM's name for it (`acompletion`) or ours (`chat`); unknown ones are kept as they are.
        body: what the client sent, as parsed JSON or form fields.
    """
    kind = request_type(call_type) or call_type
    content = Content(body)
    plain = kind == "chat" and body.keys() <= _PLAIN
    needs = content.needs if plain else content.needs | _asked_for(body)
    streaming = body.get("stream") is True or call_type.endswith("_stream")
    produced = {_PRODUCES[kind]} if kind in _PRODUCES else set()
    if not plain and "audio" in _list(body.get("modalities"))[:_MOST_ENTRIES]:
        produced.add("audio_generation")
    if kind == "transcription":
        produced.add("audio")
    model = body.get("model")
    shown = {
        str(k).lower(): v if type(v) is str and len(v) <= LONGEST_TEXT else _short(v)
        for k, v in islice(headers.items(), _MOST_ENTRIES)
    }
    return Request(
        model=model if isinstance(model, str) else "",
        request_type=kind,
        identity=identity,
        # Thousands of requests are kept, and most of them need the same: nothing.
        modalities=_modalities(needs, produced) if needs or produced else _TEXT_ALONE,
        capabilities=frozenset(needs) if needs else _NO_NEEDS,
        headers=shown,
        params={
            str(k).lower(): _short(v)
            for k, v in islice(body.items(), _MOST_ENTRIES)
            if isinstance(v, (str, int, float, bool))
        },
        tags=tuple(dict.fromkeys((*identity.tags, *_tags(tags)))),
        task=task or _task(body),
        prompt_tokens=content.tokens,
        audio_tokens=content.audio_tokens,
        images=content.images,
        characters=len(said) if kind == "speech" and isinstance(said := body.get("input"), str) else 0,
        max_output_tokens=_max_output_tokens(body),
        choices=1 if plain else _choices(body, kind),
        streaming=streaming,
        fallbacks=() if plain else tuple(islice(fallback_names(body.get("fallbacks")), _MOST_FALLBACKS)),
        models=models,
        draw=draw,
        held=held_in(body, kind),
        conversation=BodyConversation(body, shown, identity, content.tokens),
    )


_TEXT_ALONE: Final = frozenset({"text"})
_NO_NEEDS: Final = frozenset[str]()


def _modalities(needs: Collection[str], produced: Collection[str]) -> frozenset[str]:
    return frozenset({"text", *(_MODALITY_OF[n] for n in needs if n in _MODALITY_OF), *produced})


def verified_tags(*metadata: Any) -> tuple[str, ...]:
    """The `tags` in metadata that the proxy verified: of a key, its team, its project."""
    found: dict[str, None] = {}
    for given in metadata:
        tags = _dict(given).get("tags") if given else None
        if isinstance(tags, (list, tuple)):
            found.update(dict.fromkeys(_tags(tags)))
    return tuple(found)


def fallback_names(fallbacks: Any) -> Iterator[str]:
    """The models in a caller's `fallbacks`: names, or mappings with a `model`."""
    for entry in _list(fallbacks)[:_MOST_ENTRIES]:
        name = entry.get("model") if isinstance(entry, dict) else entry
        if isinstance(name, str) and name:
            yield name


def _tags(given: Sequence[Any]) -> Iterator[str]:
    for tag in islice(given, _MOST_ENTRIES):
        if isinstance(tag, (str, int, float)):
            yield _short(tag)


def _task(body: Mapping[str, Any]) -> str | None:
    """What the caller says the task is, in its own metadata: a hint, and no more than that."""
    said = _dict(body.get("metadata")).get("task")
    return _short(said).strip().lower()[:_LONGEST_TASK] or None if isinstance(said, (str, int, float)) else None


def _asked_for(body: Mapping[str, Any]) -> set[str]:
    needs = set()
    if body.get("tools") or body.get("functions"):
        needs.add("tools")
    # Anthropic has said `output_format` first, and `output_config.format` since.
    text, output = _dict(body.get("text")), _dict(body.get("output_config"))
    google = _dict(body.get("generationConfig") or body.get("config"))
    formats = (body.get("response_format"), body.get("output_format"), text.get("format"), output.get("format"))
    if any(_dict(form).get("type") in ("json_schema", "json_object") for form in formats) or _is_json(google):
        needs.add("structured_output")
    thinking = _dict(body.get("thinking")).get("type")
    effort = body.get("reasoning_effort") or _dict(body.get("reasoning")).get("effort")
    if thinking in ("enabled", "adaptive") or (effort and effort != "none"):
        needs.add("reasoning")
    return needs


def _is_json(google: dict[str, Any]) -> bool:
    schema = google.get("responseSchema") or google.get("responseJsonSchema")
    mime = google.get("responseMimeType") or google.get("response_mime_type")
    return bool(schema or google.get("response_schema")) or mime == "application/json"


def _max_output_tokens(body: Mapping[str, Any]) -> int | None:
    google = _dict(body.get("generationConfig") or body.get("config"))
    # A provider may go by any of them.
    most = 0
    for value in (*map(body.get, _MOST_OUTPUT), google.get("maxOutputTokens")):
        if value is not None:
            most = max(most, _positive(value) or 0)
    return most or None


def _choices(body: Mapping[str, Any], kind: str) -> int:
    """How many answers are made: each of them is billed."""
    google = _dict(body.get("generationConfig") or body.get("config"))
    each = max(_positive(found) or 1 for found in (body.get("n"), body.get("best_of"), google.get("candidateCount")))
    prompts = body.get("prompt") if kind == "completion" else None
    # A list of numbers is one prompt, of tokens.
    many = isinstance(prompts, list) and any(isinstance(prompt, (str, list)) for prompt in prompts[:1])
    return each * len(prompts) if many and prompts else each


def _positive(value: Any) -> int | None:
    try:
        number = int(value) if not isinstance(value, bool) else 0
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 < number <= 10**12 else None


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:LONGEST_TEXT]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
