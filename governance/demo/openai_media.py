"""OpenAI's endpoints around the language model: images, audio and moderations. What they return is not playable."""

import base64

from governance.demo.openai_wire import WIRE, tokens
from governance.demo.script import text_of, token_count, whole_number
from governance.demo.wire import Answer, BadRequest, Call, Chunk, Endpoint, Usage, json_answer, new_id, now_s

IMAGE_TOKENS = 100
"""Output tokens of one image of a model that is billed by tokens."""

_OTHER_AUDIO = ("opus", "aac", "flac", "wav", "pcm")

MODERATION_CATEGORIES = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")


def images(call: Call) -> Answer:
    """Models named `gpt-image…` answer with data and report usage, as OpenAI's do; others with links, and no usage."""
    prompt = _text(call, "prompt")
    count = whole_number(call.body.get("n") or None, "n", 10)
    reply: dict[str, object] = {"created": now_s()}
    billed_by_tokens = "gpt-image" in call.model
    if billed_by_tokens or call.body.get("response_format") == "b64_json":
        reply["data"] = [{"b64_json": base64.b64encode(prompt.encode()).decode()}] * count
    else:
        link = f"http://127.0.0.1/{call.provider}/image.png"
        reply["data"] = [{"url": link, "revised_prompt": prompt}] * count
    usage = call.reported(Usage(token_count(prompt), IMAGE_TOKENS * count)) if billed_by_tokens else None
    if usage is not None:
        details = {"text_tokens": usage.input_tokens, "image_tokens": 0}
        reply["usage"] = {**tokens(usage), "input_tokens_details": details}
    return json_answer(reply, usage)


def transcriptions(call: Call) -> Answer:
    """Whisper models report a duration of 1 second, all others tokens: 10 for the audio, and the words of the text."""
    if "file" not in call.body:
        raise BadRequest("you must provide a `file`")
    text = f"Hello from {call.provider}/{call.model}. You sent: {call.body['file']}"
    form = call.body.get("response_format") or "json"
    if form not in ("json", "verbose_json"):
        return Answer((Chunk(f"{text}\n".encode(), is_text=True),), media_type="text/plain; charset=utf-8")
    reply: dict[str, object] = {"text": text}
    if form == "verbose_json":
        reply |= {"task": "transcribe", "language": "english", "duration": 1.0, "segments": []}
    if "whisper" in call.model:
        return json_answer(reply if call.fault.no_usage else {**reply, "usage": {"type": "duration", "seconds": 1}})
    usage = call.reported(Usage(10, len(text.split())))
    if usage is not None:
        details = {"text_tokens": 0, "audio_tokens": usage.input_tokens}
        reply["usage"] = {"type": "tokens", **tokens(usage), "input_token_details": details}
    return json_answer(reply, usage)


def speech(call: Call) -> Answer:
    """Bytes that say who served them, under the media type of the asked format; no usage, like the real API."""
    said = f"Hello from {call.provider}/{call.model}. You said: {_text(call, 'input')[:60]}"
    kind = call.body.get("response_format")
    media_type = f"audio/{kind}" if kind in _OTHER_AUDIO else "audio/mpeg"
    return Answer((Chunk(said.encode(), is_text=True),), media_type=media_type)


def moderations(call: Call) -> Answer:
    """Flags as `violence` every text that contains that word; reports no usage, like the real API."""
    given = call.body.get("input")
    if not given:
        raise BadRequest("you must provide an `input`")
    texts = [text_of(one if isinstance(one, str) else [one]) for one in (given if isinstance(given, list) else [given])]
    return json_answer({"id": new_id("modr-"), "model": call.model, "results": [_verdict(text) for text in texts]})


def _verdict(text: str) -> dict[str, object]:
    flags = {name: name == "violence" and name in text.lower() for name in MODERATION_CATEGORIES}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": {name: 0.99 if flag else 0.01 for name, flag in flags.items()},
        "category_applied_input_types": {name: ["text"] for name in flags},
    }


def _text(call: Call, field: str) -> str:
    text = call.body.get(field)
    if not isinstance(text, str):
        raise BadRequest(f"you must provide `{field}`, a text")
    return text


ENDPOINTS = (
    Endpoint("/v1/images/generations", WIRE, images, default_model="gpt-image-1"),
    Endpoint("/v1/audio/transcriptions", WIRE, transcriptions),
    Endpoint("/v1/audio/speech", WIRE, speech),
    Endpoint("/v1/moderations", WIRE, moderations, default_model="omni-moderation-latest"),
)
