"""Judges a caller's body and headers by the table of `body_fields`, and takes out or clamps what is ours to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from governance.model import Refusal, codes
from governance.policy.bodies import BodySettings, Range
from governance.proxy import body_fields
from governance.proxy.field_types import check_of, mistake
from governance.proxy.http_values import is_reference

_TIMEOUTS: Final = ("timeout", "stream_timeout", "request_timeout")
# Read before `extra_body` is laid over the body, by LiteLLM or by us.
_CLOSED_IN_EXTRA: Final = frozenset({"model", "stream", "stream_options", "extra_body", *_TIMEOUTS})
# What a caller may not say for single hops: LiteLLM writes the keys of such a mapping over the whole request.
_NOT_PER_HOP: Final = frozenset(
    {"metadata", "fallbacks", "num_retries", "max_retries", "api_key", "api_base", "base_url", "extra_headers"}
    | {"headers", "extra_body", "stream", "stream_options", "provider_specific_header", "tags"}
)
# What is reserved was read of these in the body; another value for one hop would not be reserved.
_RESERVED_BY: Final = frozenset(
    {"messages", "input", "prompt", "contents", "system", "instructions", "documents", "tools", "functions", "n"}
    | {"best_of", "max_tokens", "max_completion_tokens", "max_output_tokens", "generationConfig", "config"}
)
_CREDENTIALS: Final = frozenset({"api_key", "api_base", "base_url", "api_version"})
_BUCKETS: Final = ("metadata", "litellm_metadata")
# More than anybody sends in good faith.
_MOST_FIELDS: Final = 1_000
_LONGEST_NAME: Final = 80


def merged(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body as the provider gets it: LiteLLM lays `extra_body` over it at the end."""
    extra = body.get("extra_body")
    return {**extra, **body} if isinstance(extra, Mapping) else body


def judge(body: Mapping[str, Any], headers: Mapping[str, Any], call_type: str) -> Refusal | None:
    """The 400 of the first field or header that a caller may not send or that has another type; None = all may pass."""
    found = next(_problems(body, call_type), None) or next(_header_problems(headers), None)
    return Refusal(400, codes.FIELD_NOT_ALLOWED, found) if found else None


def too_early(body: Mapping[str, Any], call_type: str, query: Mapping[str, str]) -> Refusal | None:
    """The 400 of what LiteLLM stumbles over before our hook, or keeps from it; None = it will come to `judge`.

    Args:
        query: of the request's address. LiteLLM makes a field of the body out of its `api-version`.
    """
    found = next(_early_problems(body, call_type), None)
    wanted = mistake("api_version", query.get("api-version"), call_type)
    if wanted and not found:
        found = f"`api-version` in the address must be {wanted}"
    return Refusal(400, codes.FIELD_NOT_ALLOWED, found) if found else None


def clamp(data: dict[str, Any], settings: BodySettings) -> None:
    """Take mocks and nulls out of a request and its fallbacks, and bring its timeouts into the policy's range."""
    voids = [
        name
        for name, value in data.items()
        if (value is None or value == "" or str(name).startswith(body_fields.MOCKS)) and _is_void(name, value)
    ]
    for name in voids:
        del data[name]
    _clamp_timeouts(data, settings.timeout)
    if isinstance(data.get("fallbacks"), list):
        data["fallbacks"] = [_hop(entry, settings.timeout) for entry in data["fallbacks"]]


def _problems(body: Mapping[str, Any], call_type: str) -> Iterator[str]:
    if len(body) > _MOST_FIELDS:
        yield f"a body has at most {_MOST_FIELDS} fields"
    right = _known_fields(call_type)
    for name, value in body.items():
        check = right.get(name, _wrong)
        if value is None and check is not _wrong:
            continue
        if not check(value):
            yield from _problem(str(name), value, call_type)
    extra = body.get("extra_body")
    for name, value in extra.items() if isinstance(extra, Mapping) else ():
        if name in _CLOSED_IN_EXTRA or (name in body and body[name] != value):
            yield f"`extra_body.{_shown(name)}` may not change what the body itself says; write it there"
        yield from _problem(str(name), value, call_type, "extra_body.")
    fallbacks = body.get("fallbacks")
    for at, entry in enumerate(fallbacks if isinstance(fallbacks, list) else ()):
        for name, value in entry.items() if isinstance(entry, Mapping) else ():
            if name in _RESERVED_BY:
                yield f"`fallbacks[{at}].{name}` may not change what the body itself says; leave it out"
            if name not in _NOT_PER_HOP and not str(name).startswith("litellm_"):
                yield from _problem(str(name), value, call_type, f"fallbacks[{at}].")


@lru_cache(maxsize=64)
def _known_fields(call_type: str) -> Mapping[str, Callable[[Any], bool]]:
    """What may be of each field that may be sent; whatever passes here is no problem to `_problem` either."""
    names = body_fields.OURS | body_fields.HARMLESS | body_fields.API | body_fields.ADDED
    checks = {name: check_of(name, call_type) for name in names if body_fields.classified(name) != "refused"}
    return {name: check or _right for name, check in checks.items()}


def _right(value: Any) -> bool:
    return True


def _wrong(value: Any) -> bool:
    return False


def _early_problems(body: Mapping[str, Any], call_type: str) -> Iterator[str]:
    # LiteLLM reads what is not for callers to say before our hook, too: settings of loggers, prices, its own objects.
    yield from _problems(body, call_type)
    for name in _BUCKETS:
        bucket = body.get(name)
        if isinstance(bucket, Mapping):
            tags = bucket.get("tags")
            if isinstance(tags, list) and not all(isinstance(tag, str) for tag in tags):
                yield f"`{name}.tags` must be a list of texts"
            # LiteLLM looks there for settings of loggers, which would be read of the environment.
            for inner in (inner for inner, value in bucket.items() if is_reference(value)):
                yield f"`{name}.{_shown(inner)}` may not refer to the environment of the proxy"


def _problem(name: str, value: Any, call_type: str, where: str = "") -> Iterator[str]:
    kind = body_fields.classified(name)
    if kind == "refused" or (kind is None and name in body_fields.own_names()):
        yield f"`{where}{_shown(name)}` is not for callers to say: it is LiteLLM's own; leave it out"
        return
    wanted = mistake(name, value, call_type)
    if wanted:
        yield f"`{where}{_shown(name)}` must be {wanted}"


def _header_problems(headers: Mapping[str, Any]) -> Iterator[str]:
    for name in islice(map(str.lower, map(str, headers)), _MOST_FIELDS):
        if name.startswith("x-litellm-") and name not in body_fields.HEADERS:
            yield f"the header `{_shown(name)}` is not for callers to send; leave it out"


def _is_void(name: Any, value: Any) -> bool:
    if value is None or (value == "" and name in _CREDENTIALS):
        # It would take the place of what the operator has set for the deployment: with `api_key: null`, LiteLLM sends
        # the key of another provider out of its environment.
        return name in body_fields.OURS or name in body_fields.HARMLESS
    # Made for LiteLLM's own tests: a caller could feign failures of a target, and cool it down for everybody.
    return str(name).startswith(body_fields.MOCKS)


def _hop(entry: Any, timeout: Range) -> Any:
    if not isinstance(entry, Mapping) or "model" not in entry:
        return entry
    kept = {
        name: value
        for name, value in entry.items()
        if name not in _NOT_PER_HOP and not _is_void(name, value) and not str(name).startswith("litellm_")
    }
    _clamp_timeouts(kept, timeout)
    return kept


def _clamp_timeouts(data: dict[str, Any], timeout: Range) -> None:
    for name in _TIMEOUTS:
        value = data.get(name)
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            data[name] = min(max(float(value), timeout.least_s), timeout.most_s)


def _shown(name: Any) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(name)[:_LONGEST_NAME])
