"""Which models can serve what brings or wants images, audio or video, which cannot, and why."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from governance.catalog import Catalog, cards, screen
from governance.catalog.modalities import INPUT_MODALITIES, OUTPUT_MODALITIES
from governance.engine.named import named_targets
from governance.model import Request, Target, group_of
from governance.model.errors import GovernanceError
from governance.policy import Policy

BROUGHT: Final = tuple(name for name in INPUT_MODALITIES if name != "text")
WANTED: Final = tuple(name for name in OUTPUT_MODALITIES if name != "text")
WORDS: Final = (*BROUGHT, *WANTED)
_MEANT: Final = {
    **dict.fromkeys(("images", "picture", "pictures", "photo", "vision"), "image"),
    **dict.fromkeys(("sound", "voice", "transcription", "audio_input", "audio_transcription"), "audio"),
    **dict.fromkeys(("videos", "film", "video_input"), "video"),
    **dict.fromkeys(("speech", "tts", "audio_speech"), "audio_generation"),
    **dict.fromkeys(("embeddings", "vectors"), "embedding"),
}
# What a model must be able to do for what a prompt brings.
_ABILITY: Final = {"image": "vision", "audio": "audio_input", "video": "video_input"}
_TYPE: Final = {
    "image_generation": "image_generation",
    "video_generation": "video_generation",
    "audio_generation": "speech",
    "embedding": "embedding",
}
_MOST: Final = 20


def words_of(given: Iterable[str]) -> tuple[str, ...]:
    """What people say that a request needs, as the words for it, each once; several may stand between commas.

    Raises GovernanceError for a word that is none of these.
    """
    said = [word.strip().lower().replace("-", "_") for each in given for word in each.split(",")]
    found = dict.fromkeys(_MEANT.get(word, word) for word in said if word and word != "text")
    for word in found:
        if word not in WORDS:
            close = difflib.get_close_matches(word[:40], (*WORDS, *_MEANT), n=1)
            nearest = f", did you mean `{close[0]}`?" if close else ""
            raise GovernanceError(
                f"`{word[:40]}` is none{nearest}; a prompt may bring {', '.join(BROUGHT)}, "
                f"an answer may be {', '.join(WANTED)}"
            )
    return tuple(found)


def who_serves(
    catalog: Catalog,
    words: Collection[str],
    at_s: float,
    *,
    named: Iterable[str] = (),
    everything: bool = False,
    provider: str | None = None,
    request_type: str = "",
) -> list[dict[str, Any]]:
    """The card of each model that `governance models` shows, with `serves` (None: nobody knows) and `why`.

    First those that serve, then those of which it is not known; each by price.

    Args:
        words: what is brought and wanted, of `WORDS`. named: `provider/model` that are shown too.
        at_s: Unix seconds at which it is asked for: what has retired by then serves nothing.
        request_type: of the request; "" = as the words say.
    """
    request = _request(words, request_type, catalog, at_s)
    rows = [{**row, **_judged(request, row)} for row in cards(catalog, provider, everything=everything, named=named)]
    return sorted(rows, key=_order)


def needs_of(record: Mapping[str, Any]) -> list[str]:
    """What the request of a decision brings and wants beside text."""
    return [word for word in WORDS if word in record["request"]["modalities"]]


def help_for(record: Mapping[str, Any], catalog: Catalog, policy: Policy) -> dict[str, Any] | None:
    """For a decision about a request with images, audio or video: who could serve it, who could not, and why.

    Asked are the models that the policy names, the request's targets and those that the proxy serves by name. None
    where it needs none of these.
    """
    asked, words = record["request"], needs_of(record)
    if not words:
        return None
    at_s = datetime.fromisoformat(record["at"].replace("Z", "+00:00")).timestamp()
    candidates = [each["target"] for each in record["candidates"] if group_of(each["target"]) is None]
    named = (*named_models(policy), *candidates)
    rows = who_serves(catalog, words, at_s, named=named, request_type=asked["request_type"])
    serve = [row["model"] for row in rows if row["serves"]]
    others = [{"model": row["model"], "why": row["why"]} for row in rows if not row["serves"]]
    left_out = max(0, len(serve) - _MOST) + max(0, len(others) - _MOST)
    return {"needs": words, "serve": serve[:_MOST], "cannot": others[:_MOST], "left_out": left_out}


def helped(record: dict[str, Any], catalog: Catalog, policy: Policy) -> dict[str, Any]:
    """The record, with `who_serves` where images, audio or video are needed."""
    found = help_for(record, catalog, policy)
    return record if found is None else {**record, "who_serves": found}


def named_models(policy: Policy | None) -> list[str]:
    """The models that targets of a policy name; groups are none."""
    return [target for target in named_targets(policy) if group_of(target) is None] if policy else []


def _request(words: Collection[str], request_type: str, catalog: Catalog, at_s: float) -> Request:
    types = [_TYPE[word] for word in words if word in _TYPE]
    return Request(
        "",
        request_type or (types[0] if types else "chat"),
        modalities=frozenset({"text", *words}),
        capabilities=frozenset(_ABILITY[word] for word in words if word in _ABILITY),
        models=catalog,
        at_s=at_s,
    )


def _judged(request: Request, row: Mapping[str, Any]) -> dict[str, Any]:
    # What it takes says more than what it can.
    target = screen(request.but(capabilities=frozenset()) if row["input_modalities"] else request, Target(row["model"]))
    if target.rejected:
        return {"serves": False, "why": target.rejected.detail or target.rejected.code}
    unsaid = [
        f"nobody says what it {does}"
        for does, key, names in (("takes", "input_modalities", BROUGHT), ("makes", "output_modalities", WANTED))
        if row[key] is None and any(name in request.modalities for name in names)
    ]
    if unsaid:
        return {"serves": None, "why": "; ".join(unsaid)}
    takes, makes = ", ".join(row["input_modalities"] or ()), ", ".join(row["output_modalities"] or ())
    return {"serves": True, "why": f"takes {takes or 'text'}, makes {makes or 'text'}"}


def _order(row: Mapping[str, Any]) -> tuple[int, float, str]:
    price = row["input_usd_per_1m_tokens"]
    return ({True: 0, None: 1, False: 2}[row["serves"]], float("inf") if price is None else price, row["model"])
