"""What names the conversation that a body continues. Worked out when somebody asks for it, and kept as a digest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from governance.intake.prompt import last_user_text
from governance.intake.talk import talk_of
from governance.model import Identity
from governance.model.conversation import ConversationKind
from governance.model.talk import NO_TALK, Talk

# What agents and gateways call it: Claude Code, Codex, LiteLLM, OpenCode, and whoever follows them.
_HEADERS: Final = (
    *("x-session-id", "x-claude-code-session-id", "session_id", "session-id", "conversation_id", "x-conversation-id"),
    *("x-litellm-session-id", "x-litellm-trace-id", "x-session-affinity"),
)
# Claude Code: `user_…_account_…_session_UUID`, or the same as JSON.
_IN_USER: Final = re.compile(r"session_(?:id\W{1,5})?([0-9a-fA-F-]{8,64})")
_LEAST_TOKENS: Final = 1024
"""Providers cache no shorter prompts. Source: OpenAI's and Anthropic's pages on prompt caching."""
_LONGEST_NAME: Final = 1024
_MOST_PIECES: Final = 2048
_LONGEST_PIECE: Final = 4096
_MOST_TURNS: Final = 64
_DEEPEST: Final = 8
_BEFORE: Final = ("system", "instructions", "systemInstruction", "system_instruction", "tools", "functions")


class BodyConversation:
    """The conversation of one body; see `governance.model.conversation`."""

    __slots__ = ("_body", "_headers", "_identity", "_known", "_talk", "_tokens")

    def __init__(self, body: Mapping[str, Any], headers: Mapping[str, str], identity: Identity, tokens: int) -> None:
        """`tokens`: about how long the prompt is."""
        self._body, self._headers, self._identity, self._tokens = body, headers, identity, tokens
        self._known: dict[tuple[ConversationKind, bool], str | None] = {}
        self._talk: Talk | None = None

    def key(self, kind: ConversationKind, *, short: bool = False) -> str | None:
        if (kind, short) not in self._known:
            self._known[kind, short] = self._digest(kind, short)
        return self._known[kind, short]

    def talk(self) -> Talk:
        if self._talk is None:
            self._talk = talk_of(self._body)
        return self._talk

    def last_user_text(self) -> str:
        return last_user_text(self._body)

    def forget(self) -> None:
        self._body = self._headers = {}
        self._talk = NO_TALK

    def _digest(self, kind: ConversationKind, short: bool) -> str | None:
        if kind == "prefix":
            named = self._prefix() if short or self._tokens >= _LEAST_TOKENS else ()
        else:
            name = self._session() if kind == "session" else _text(self._body.get("prompt_cache_key"))
            named = (name,) if name else ()
        if not named:
            return None
        who = self._identity
        whose = (who.virtual_key_id, who.team_id, who.user_id, who.customer_id, who.end_user_id)
        digest = sha256()
        for piece in (*whose, *named):
            text = piece.encode("utf-8", "surrogatepass")
            digest.update(b"%d:" % len(text) + text)
        return digest.hexdigest()

    def _session(self) -> str:
        for held in (self._body.get("metadata"), self._body.get("litellm_metadata"), self._body):
            given = held if isinstance(held, Mapping) else {}
            found = _text(given.get("session_id")) or _text(given.get("litellm_session_id"))
            if found:
                return found
            user = _IN_USER.search(_text(given.get("user_id")))
            if user:
                return user[1]
        return next((found for name in _HEADERS if (found := _text(self._headers.get(name)))), "")

    def _prefix(self) -> tuple[str, ...]:
        """Everything up to the first word of the user, which no later turn changes."""
        body = self._body
        turns = next((body[key] for key in ("messages", "input", "contents", "prompt") if body.get(key)), None)
        first: list[Any] = []
        for turn in islice(turns, _MOST_TURNS) if isinstance(turns, list) else (turns,):
            first.append(turn)
            if not isinstance(turn, Mapping) or turn.get("role", "user") == "user":
                break
        before = [body[key] for key in _BEFORE if body.get(key)]
        return tuple(islice(_pieces([before, first], 0), _MOST_PIECES))


def _pieces(value: Any, depth: int) -> Iterator[str]:
    """What stands in a value, in its order; of what is long, its beginning and its length."""
    if isinstance(value, Mapping) and depth < _DEEPEST:
        for key, each in value.items():
            # Where a prompt may be cached from is said anew in each turn.
            if key != "cache_control":
                yield str(key)[:_LONGEST_PIECE]
                yield from _pieces(each, depth + 1)
    elif isinstance(value, (list, tuple)) and depth < _DEEPEST:
        for each in value:
            yield from _pieces(each, depth + 1)
    elif isinstance(value, str):
        yield value if len(value) <= _LONGEST_PIECE else f"{len(value)} {value[:_LONGEST_PIECE]}"
    elif value is None or isinstance(value, (bool, int, float)):
        yield str(value)


def _text(value: Any) -> str:
    return value.strip()[:_LONGEST_NAME] if isinstance(value, str) else ""
