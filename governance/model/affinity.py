"""`affinity` in a policy: conversations stay with the target that has their prompt in its cache."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from governance.model.amounts import parse_period_s
from governance.model.conversation import ConversationKind, Stick
from governance.model.request import Request

Ttl = Annotated[int, BeforeValidator(parse_period_s), WithJsonSchema({"type": "string", "examples": ["5m", "1h"]})]
"""Seconds."""
_KINDS: Final[tuple[ConversationKind, ...]] = get_args(ConversationKind)
_LONGEST_S: Final = 86_400


class Affinity(BaseModel):
    """What names a conversation, and for how long after its last answer it stays where it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Literal["auto", "prompt_cache_key", "session", "prefix"] = Field(
        default="auto", description="what names a conversation; auto: the first of the others that there is"
    )
    ttl: Ttl = Field(default=300, le=_LONGEST_S, description="how long a prompt stays in the cache, at most a day")

    def of(self, request: Request) -> Stick | None:
        """The conversation that a request belongs to; None where nothing names one."""
        if request.conversation is None:
            return None
        for kind in _KINDS if self.key == "auto" else (self.key,):
            found = request.conversation.key(kind)
            if found is not None:
                text = f"{request.model.strip().lower()}\0{kind}\0{found}"
                return Stick(sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32], kind, float(self.ttl))
        return None
