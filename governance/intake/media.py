"""Pictures, sounds and files in a body, whatever its API: what a model must be able to read, and where the data is.

Data is never text, however it is written: base64 beside a type, in a data URL, inside what a tool gave. The one
exception is a file that is text itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

PART_NEEDS: Final = {
    "image_url": "vision",
    "image": "vision",
    "image_file": "vision",
    "image_base64": "vision",
    "input_image": "vision",
    "computer_screenshot": "vision",
    "image_generation_call": "vision",
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
TEXT: Final = "text"
OTHER: Final = "other"
_MIME_NEEDS: Final = {
    "image/": "vision",
    "audio/": "audio_input",
    "video/": "video_input",
    "application/pdf": "pdf_input",
    "text/": TEXT,
}
_MIME_KEYS: Final = ("mime_type", "mimeType", "media_type", "mediaType")
# What stands alone as the last word of a MIME type, as a format or as the end of a file's name.
_TEXT_FORMS: Final = frozenset(
    {
        *("txt", "text", "plain", "md", "markdown", "csv", "tsv", "json", "jsonl", "ndjson", "xml", "yaml"),
        *("yml", "toml", "ini", "cfg", "conf", "log", "html", "htm", "css", "tex", "rst", "rtf", "sql", "js"),
        *("mjs", "ts", "tsx", "jsx", "javascript", "typescript", "py", "java", "c", "h", "cc", "cpp", "hpp"),
        *("cs", "go", "rs", "rb", "php", "sh", "swift", "kt", "scala", "r", "lua", "pl", "diff", "patch", "x-yaml"),
        *("x-python", "x-sh", "graphql", "ipynb", "srt", "vtt"),
    }
)
_FORM_NEEDS: Final = {
    **dict.fromkeys(("png", "jpeg", "jpg", "gif", "webp", "bmp", "tiff", "heic", "heif"), "vision"),
    **dict.fromkeys(("wav", "mp3", "pcm16", "flac", "opus", "aac", "m4a", "ogg"), "audio_input"),
    **dict.fromkeys(("mp4", "mov", "mkv", "webm", "mpeg", "flv", "wmv", "three_gp"), "video_input"),
    **dict.fromkeys(("pdf", "doc", "docx", "xls", "xlsx"), "pdf_input"),
}
_PLACES: Final = (
    *("source", "file", "input_audio", "audio", "image_url", "video_url", "audio_url", "image", "video", "input_file"),
)
_BARE: Final = {
    **dict.fromkeys(("image", "b64_json", "image_base64", "bytesBase64Encoded"), "vision"),
    "audio": "audio_input",
    "video": "video_input",
}
_DATA_KEYS: Final = ("data", "bytes", "blob", "file_data", "result", "url", *_BARE, *_PLACES)
# Without any of these, and without its type, nothing is a medium.
_MARKS: Final = frozenset({*_MIME_KEYS, *_BARE, "format", "data"})
# Of a part that is a medium: what is not text beside it.
PAYLOAD_KEYS: Final = frozenset({*_DATA_KEYS, "file_id", "file_url", "fileUri", "file_uri", "filename", "s3Location"})

SCHEMES: Final = ("data:", "Data:", "DATA:")
_LONGEST_HEADER: Final = 256
_SEEN: Final = 64
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_=\r\n-]*")


class Medium(NamedTuple):
    """One picture, sound or file.

    Args:
        kind: the capability that a model needs to read it; `TEXT` for what is text, `OTHER` for what nobody knows.
        data: as it stands in the body; "" where that has only its address.
        form: of the data: `png`, `wav`, `pdf`; "" where it is not said.
        encoded: the data is base64.
        start: where the data begins, after the header of a URL; it may be too long to be copied.
    """

    kind: str
    data: str = ""
    form: str = ""
    encoded: bool = True
    start: int = 0


def medium_of(part: Mapping[str, Any]) -> Medium | None:
    """The medium that a part of a message is; None for every other part."""
    kind = part.get("type")
    need = PART_NEEDS.get(kind) if isinstance(kind, str) else None
    if need is None and part.keys().isdisjoint(_MARKS):
        return None
    source = part.get("source")
    if need == "pdf_input" and isinstance(source, Mapping) and source.get("type") in ("text", "content"):
        return None  # Anthropic's documents of plain text: what stands in `source` is walked
    mime = _said(part, _MIME_KEYS)
    data = part.get("data")
    if kind == TEXT and isinstance(data, str):
        return Medium(TEXT, data, encoded=False)
    if need is None and mime is None:
        return _of_format(part, source) or _of_name(part)
    holder = _holder(part)
    told = data_medium(holder, need, mime)
    if told is None:
        return None
    return told if need is None or told.kind != OTHER else told._replace(kind=need)


def data_medium(holder: Mapping[str, Any], need: str | None, mime: str | None) -> Medium | None:
    """The medium whose data or address stands in `holder`, by what is said of it there, else by `need` and `mime`."""
    data = _said(holder, _DATA_KEYS) or ""
    url = _url_of(data)
    start, encoded = 0, True
    if url is not None:
        header, start, encoded = url
        kind, form = _kind(header)
        if kind != OTHER:
            return Medium(kind, data, form, encoded, start)
    elif "://" in data[:_LONGEST_HEADER]:
        data = ""
    mime = _said(holder, _MIME_KEYS) or mime
    kind, form = _kind((mime or _form(holder))[:_LONGEST_HEADER])
    if kind == OTHER and need is not None:
        kind = need
    if kind == OTHER and not data:
        return None
    return Medium(kind, data, form, encoded if url else kind != TEXT or looks_encoded(data), start)


def medium_in_text(text: str) -> Medium | None:
    """The medium that a text as a whole is: a data URL of base64. What stands inside a text is text to a model."""
    url = _url_of(text) if text.startswith(SCHEMES) else None
    if url is None or not url[2] or not looks_encoded(text, url[1]):
        return None
    kind, form = _kind(url[0])
    return Medium(kind, text, form, start=url[1])


def looks_encoded(data: str, start: int = 0) -> bool:
    """Whether this may be base64, by its beginning, its middle and its end."""
    middle = (start + len(data)) // 2
    seen = data[start : start + _SEEN] + data[middle : middle + _SEEN] + data[max(start, len(data) - _SEEN) :]
    return _BASE64.fullmatch(seen) is not None


def _of_format(part: Mapping[str, Any], source: Any) -> Medium | None:
    """Bedrock's parts: `{"image": {"format": "png", "source": {"bytes": …}}}`."""
    form = part.get("format")
    if not isinstance(form, str) or not isinstance(source, Mapping):
        return None
    kind, form = _kind(form[:_LONGEST_HEADER])
    data = source.get("bytes")
    return Medium(kind, data if isinstance(data, str) else "", form)


def _of_name(part: Mapping[str, Any]) -> Medium | None:
    """What inputs of embeddings look like: `{"image": "<base64>"}`. A short text may be what an image is of."""
    for name, kind in _BARE.items():
        data = part.get(name)
        if isinstance(data, str) and len(data) > _LONGEST_HEADER and looks_encoded(data):
            return Medium(kind, data)
    return None


def _holder(part: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in _PLACES:
        inner = part.get(name)
        if isinstance(inner, Mapping):
            return inner
    return part


def _url_of(text: str) -> tuple[str, int, bool] | None:
    """MIME type, where the data begins, and whether that is base64. Source: RFC 2397."""
    if not text.startswith(SCHEMES):
        return None
    comma = text.find(",", 5, _LONGEST_HEADER)
    if comma < 0:
        return None
    header = text[5:comma].strip().lower()
    return header.partition(";")[0], comma + 1, header.endswith("base64")


@lru_cache(maxsize=256)
def _kind(form: str) -> tuple[str, str]:
    """What is needed to read a MIME type or a format, and the format."""
    form = form.strip().lower()
    word = form.partition(";")[0].rpartition("/")[2]
    for prefix, need in _MIME_NEEDS.items():
        if form.startswith(prefix):
            return need, word
    if word in _TEXT_FORMS or word.endswith(("+json", "+xml")):
        return TEXT, word
    return _FORM_NEEDS.get(word, OTHER), word


def _form(holder: Mapping[str, Any]) -> str:
    said = holder.get("format")
    if isinstance(said, str):
        return said
    name = holder.get("filename")
    return name.rpartition(".")[2] if isinstance(name, str) and "." in name else ""


def _said(part: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = part.get(key)
        if isinstance(value, str):
            return value
    return None
