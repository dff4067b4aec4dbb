"""A recorded line as the request that it was, and why some lines cannot be decided once more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from governance.engine.host import Host
from governance.engine.overlay import limits_of
from governance.expressions.facts import Reads
from governance.model import Identity, Request
from governance.model.conversation import ConversationKind
from governance.model.held import Held
from governance.model.request import Models
from governance.model.talk import NO_TALK, Talk
from governance.traffic import TraceLine

# Refusals that the proxy gives before any policy decides: they stay what they were, whatever the policy says.
_BEFOREHAND: Final = frozenset(
    {"access_not_found", "access_blocked", "endpoint_not_governed", "field_not_allowed", "virtual_key_required"}
)
# What conditions may read and every line has.
_ALWAYS: Final = frozenset(
    {"model", "provider", "request_type", "task", "modalities", "capabilities", "prompt_tokens", "max_output_tokens"}
    | {"tags", "virtual_key_id", "virtual_key_name", "user_id", "team_id", "team_name", "customer_id", "customer_name"}
    | {"end_user_id", "now", "streaming", "budget_used", "tokens_used", "request"}
)
# Whom limits count, by the facts that tell who that is; a digest tells it too, as long as nobody names the id.
_OF_SUBJECT: Final = {
    "virtual_key": "subject.virtual_key_id",
    "user": "subject.user_id",
    "team": "subject.team_id",
    "customer": "subject.customer_id",
    "end_user": "subject.end_user_id",
    "tag": "subject.tags",
}
_SUBJECT: Final = "subject."
_OF_TEXT: Final = "last_user_text"
_DIGESTED: Final = {"user": "user_id", "end_user": "end_user_id", "key_name": "virtual_key_name"}


@dataclass(frozen=True, slots=True)
class Digests:
    """What named the conversation, by what names it: a digest, as recorded."""

    by_kind: dict[str, str]

    def key(self, kind: ConversationKind, *, short: bool = False) -> str | None:
        """The recorded digest."""
        return self.by_kind.get(kind)

    def talk(self) -> Talk:
        """Nobody has kept what was said."""
        return NO_TALK

    def last_user_text(self) -> str:
        """Nobody has kept it."""
        return ""

    def forget(self) -> None:
        """There is no body to let go of."""


def request_of(line: TraceLine, models: Models | None) -> Request:
    """The request that this line tells of, as the proxy read it.

    Its random numbers are those that decided, and then others that are the same for each policy.
    """
    who, asked, size = line.who, line.asked, line.size
    return Request(
        model=asked.model,
        request_type=asked.type,
        identity=Identity(
            who.key,
            who.key_name,
            who.user,
            who.team,
            who.team_name,
            who.customer,
            who.customer_name,
            who.end_user,
            who.metadata,
            who.verified_tags,
        ),
        modalities=_set(asked.modalities),
        capabilities=_set(asked.capabilities),
        headers=asked.headers,
        params=asked.params,
        tags=asked.tags,
        # What was ruled of a text that nobody has kept is all that can be known of it.
        task=asked.task or line.told.task or None,
        prompt_tokens=size.prompt_tokens,
        max_output_tokens=size.max_output_tokens,
        choices=asked.choices,
        streaming=asked.streaming,
        fallbacks=asked.fallbacks,
        models=models,
        draw=draws(line.id, line.draws),
        audio_tokens=size.audio_tokens,
        images=size.images,
        characters=size.characters,
        held=tuple(Held(**each) for each in asked.refers_to),
        conversation=Digests(dict(asked.conversation)) if asked.conversation else None,
    )


def facts_read(host: Host) -> frozenset[str]:
    """What the conditions and subjects of a policy may look at, as people write it."""
    limits = [limit for section in host.policy.sections.values() for limit in limits_of(section) if limit.enabled]
    of_limits = Reads.union(limit.match.needs for limit in limits).told
    subjects = {f"metadata.{key}" for limit in limits for key in limit.subject.metadata}
    parts = {_OF_SUBJECT[part.kind] for limit in limits for part in limit.subject.caller if part.kind in _OF_SUBJECT}
    return host.facts_read | of_limits | subjects | parts


def draws(id: str, recorded: Collection[float]) -> Callable[[], float]:
    """The recorded numbers in their order, then numbers that only the id decides: every policy draws the same."""

    def numbers() -> Iterator[float]:
        yield from recorded
        count = len(recorded)
        while True:
            yield even(f"{id} {count}")
            count += 1

    stream = numbers()
    return lambda: next(stream)


def even(text: str) -> float:
    """A number in [0, 1) that is always the same for a text, and that nobody can tell from a random one."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=7).digest(), "big") / 2**56


def beforehand(line: TraceLine) -> bool:
    """Whether it was refused before any policy was asked."""
    code = line.told.code
    return code in _BEFOREHAND or (code == "model_not_allowed" and not line.told.passed_over)


@lru_cache(maxsize=1024)
def missing(
    read: frozenset[str], recorded: tuple[str, ...], unrecorded: tuple[str, ...], hashed: tuple[str, ...]
) -> tuple[str, ...]:
    """What conditions and subjects may read and a line does not have."""
    digests = {_DIGESTED.get(name, name) for name in hashed}
    has = (_ALWAYS - digests - set(unrecorded)) | set(recorded)
    absent = {name for name in read if name not in has and name != _OF_TEXT and not name.startswith(_SUBJECT)}
    counted = {name.removeprefix(_SUBJECT) for name in read if name.startswith(_SUBJECT)}
    return tuple(sorted(absent | (counted & set(unrecorded))))


def why_not(line: TraceLine, read: frozenset[str]) -> tuple[str, str] | None:
    """Why a line cannot be decided once more by policies that read these facts: a code, and of what; None if it can."""
    if line.mirror_of:
        return "mirrored", "a copy of another request"
    if line.weight <= 0:
        return "sampled_out", "it stands for no request"
    absent = missing(read, line.recorded, line.unrecorded, line.hashed)
    if absent:
        return "not_recorded", absent[0]
    return None


@lru_cache(maxsize=4096)
def _set(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(words)
