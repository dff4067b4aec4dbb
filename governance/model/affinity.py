"""`affinity` in a policy: conversations stay with the target that has their prompt in its cache."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Final, Literal, cast, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from governance.model.amounts import parse_period_s
from governance.model.conversation import ConversationKind, Stick
from governance.model.request import Request


def _period(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("must be a time such as 5m or 1h")
    seconds = parse_period_s(value)
    if seconds > _LONGEST_S:
        raise ValueError(f"`{value}`: no provider keeps a prompt for more than a day")
    return seconds


Ttl = Annotated[int, BeforeValidator(_period), WithJsonSchema({"type": "string", "examples": ["5m", "1h"]})]
"""Seconds."""
_KINDS: Final[tuple[ConversationKind, ...]] = get_args(ConversationKind)
_LONGEST_S: Final = 86_400


class Affinity(BaseModel):
    """What names a conversation, and for how long after its last answer it stays where it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Literal["auto", "prompt_cache_key", "session", "prefix"] = Field(
        default="auto", description="what names a conversation; auto: the first of the others that there is"
    )
    ttl: Ttl = Field(
        default=cast(int, "5m"),
        validate_default=True,
        description="how long a prompt stays in the cache, at most a day",
    )

    def of(self, request: Request, *, task: bool = False) -> Stick | None:
        """The conversation that a request belongs to; None where nothing names one.

        Args:
            task: it stays for its task's sake, and not for that of a cache alone.
        """
        if request.conversation is None:
            return None
        for kind in _KINDS if self.key == "auto" else (self.key,):
            found = request.conversation.key(kind, short=task)
            if found is not None:
                text = f"{request.model.strip().lower()}\0{kind}\0{found}"
                return Stick(
                    sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32], kind, float(self.ttl), task
                )
        return None
