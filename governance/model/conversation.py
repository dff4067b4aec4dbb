"""What a request continues, as far as anybody can tell, and the target that it should stay with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from math import log
from typing import Literal, NamedTuple, Protocol, TypeVar

from governance.model.talk import Talk

T = TypeVar("T")
ConversationKind = Literal["prompt_cache_key", "session", "prefix"]


class Conversation(Protocol):
    """What names the conversation of a request; see `governance.intake.conversation`."""

    def key(self, kind: ConversationKind, *, short: bool = False) -> str | None:
        """A digest of what names it and of who asks, which tells nothing; None where nothing of this kind does.

        Args:
            short: also of a prompt that is too short for the cache of any provider.
        """

    def talk(self) -> Talk:
        """What the user has said in it so far; read when it is asked for."""

    def last_user_text(self) -> str:
        """The beginning and the end of what the user said last; read when it is asked for."""

    def forget(self) -> None:
        """Let go of the body; the request is over."""


class Stick(NamedTuple):
    """A conversation that should stay where it is.

    Args:
        key: a digest, never the same for two identities or two models that are asked for.
        kind: what named it.
        ttl_s: seconds after its last answer for which it stays.
        task: its task is kept too, and it stays whether or not a provider has cached anything of it.
    """

    key: str
    kind: ConversationKind
    ttl_s: float
    task: bool = False


class Recall(NamedTuple):
    """A request of which is asked what its conversation was about before.

    Args:
        stick: which conversation. tasks: those that may go before what the request says itself; () = none may.
        calling: tools were called for, so it should not go to another provider now.
    """

    stick: Stick
    tasks: tuple[str, ...] = ()
    calling: bool = False


def rendezvous(stick: Stick, entries: Sequence[T], weight: Callable[[T], float], name: Callable[[T], str]) -> list[T]:
    """The entries in an order that is the same for a conversation in every process, and by weight over many of them.

    Each of them comes first in proportion to its weight; where one is left out, the others keep their order. Weights
    are above zero.

    Source: weighted rendezvous hashing, https://www.snia.org/sites/default/files/SDC15_presentations/dist_sys/
    Jason_Resch_New_Consistent_Hashings_Rev.pdf
    """
    return sorted(entries, key=lambda entry: -log(_even(f"{stick.key}\0{name(entry).lower()}")) / weight(entry))


def _even(text: str) -> float:
    """A number in (0, 1) that nobody can tell from a random one."""
    number = int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    return (number + 0.5) / 2**64
