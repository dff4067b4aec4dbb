"""What a body refers to that a provider keeps, by the ids that LiteLLM makes of providers' own.

Seen in 1.106-1.110: `resp_`, `cntr_` and `encitem_` before base64 of `litellm:…;model_id:DEPLOYMENT;…`, `litellm_enc:`
before encrypted reasoning, and `file-` before base64 of `litellm:…;model,NAME`. What has a provider's own id tells
nothing. Source: litellm/responses/utils.py, litellm/proxy/openai_files_endpoints/common_utils.py.
"""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from governance.model.held import Held

_DEPLOYMENT: Final = re.compile(r"(?:litellm:(?:[^;]*;)?)?model_id:([^;]+)(?:;|$)")
_NAMES: Final = re.compile(r";(?:model|target_model_names),([^;]+)")
_IN_SIGNATURES: Final = "litellm_encrypted_reasoning:"
# More than any id that LiteLLM makes, and than anybody's turns.
_LONGEST: Final = 4096
_MOST: Final = 4096
_MOST_HELD: Final = 16
# Of the models that a file is for; each is looked up among the deployments.
_MOST_NAMES: Final = 16
_PLAIN: Final = frozenset({"text", "image_url", "tool_use", "tool_result", "input_text", "output_text"})
_NOBODY: Final = frozenset({"", "None"})


def held_in(body: Mapping[str, Any], kind: str) -> tuple[Held, ...]:
    """Everything that only some deployments can go on with, each once.

    Args:
        kind: our word for the type of request.
    """
    if kind == "responses":
        found = _of_responses(body)
    elif kind in ("chat", "messages"):
        found = _of_messages(body)
    else:
        return ()
    return tuple(dict.fromkeys(islice(found, _MOST_HELD)))


def _of_responses(body: Mapping[str, Any]) -> Iterator[Held]:
    yield from _by_deployment("previous_response_id", body.get("previous_response_id"), "resp_")
    for item in _mappings(body.get("input")):
        named = item.get("id")
        if named is not None:
            yield from _by_deployment("encrypted reasoning", named, "encitem_")
        if "encrypted_content" in item:
            yield from _encrypted(item["encrypted_content"])
        for part in _mappings(item.get("content")):
            if "file_id" in part:
                yield from _file(part["file_id"])
    for tool in _mappings(body.get("tools")):
        if "container" in tool:
            yield from _by_deployment("container", tool["container"], "cntr_")


def _of_messages(body: Mapping[str, Any]) -> Iterator[Held]:
    yield from _by_deployment("container", body.get("container"), "cntr_")
    for message in _mappings(body.get("messages")):
        for block in _mappings(message.get("content")):
            # Most of a long conversation is text, and every request comes by here.
            kind = block.get("type")
            if not (isinstance(kind, str) and kind in _PLAIN):
                yield from _of_block(block)
        for block in _mappings(message.get("thinking_blocks")):
            yield from _of_block(block)


def _of_block(block: Mapping[str, Any]) -> Iterator[Held]:
    for sealed in (block.get("signature"), block.get("data")):
        if isinstance(sealed, str) and sealed.startswith(_IN_SIGNATURES):
            yield from _encrypted(sealed[len(_IN_SIGNATURES) :])
    for within in (block.get("file"), block.get("source")):
        if isinstance(within, Mapping):
            yield from _file(within.get("file_id"))


def _by_deployment(what: str, value: Any, prefix: str) -> Iterator[Held]:
    if isinstance(value, str) and value.startswith(prefix):
        found = _DEPLOYMENT.match(_decoded(value[len(prefix) : _LONGEST]))
        if found and found[1] not in _NOBODY:
            yield Held(what, found[1])


def _encrypted(value: Any) -> Iterator[Held]:
    if isinstance(value, str) and value.startswith("litellm_enc:"):
        yield from _by_deployment("encrypted reasoning", value[:_LONGEST].partition(";")[0], "litellm_enc:")


def _file(value: Any) -> Iterator[Held]:
    if isinstance(value, str) and len(value) <= _LONGEST:
        found = _NAMES.search(_decoded(value.removeprefix("file-")))
        if found and found[1].count(",") < _MOST_NAMES:
            yield Held("file", name=found[1].strip())


def _decoded(text: str) -> str:
    """What stands in base64, of either alphabet and with or without its padding; "" for what is none."""
    decode = urlsafe_b64decode if "-" in text or "_" in text else b64decode
    try:
        return decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return ""


def _mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    # Bodies come from JSON: what looks like a mapping is a dict.
    return [entry for entry in value[:_MOST] if type(entry) is dict] if type(value) is list else ()
