"""`${NAME}` in the strings of a policy. `$${` stands for a literal `${`.

`access.environment` of the document says which variables it may use; left out, all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import unquote

from pydantic import AfterValidator, WithJsonSchema

_REFERENCE = re.compile(r"\$(\$\{)|\$\{([^}]*)(\}?)")
_QUOTED = re.compile(r"([`'])(.+?)\1")
# Of a value, in a message; shorter pieces are part of many a word.
_LONGEST_REPEATED: Final = 4
_MOST_LISTED: Final = 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


_ALLOWED = re.compile(rf"{_NAME.pattern}\*?|\*")


def _allowed(name: str) -> str:
    if not _ALLOWED.fullmatch(name):
        raise ValueError(
            "must be the name of an environment variable, such as LEDGER_URL, or how names begin: LEDGER_*"
        )
    return name


Variable = Annotated[
    str, AfterValidator(_allowed), WithJsonSchema({"type": "string", "examples": ["LEDGER_URL", "LEDGER_*"]})
]


def substitution(environment: Mapping[str, str], allowed: Sequence[str] | None = None) -> Callable[[str], str]:
    """A function that fills in the references of one string; its ValueError never repeats a variable's value.

    Args:
        allowed: the variables that may be used, each by its name or by how it begins (`LEDGER_*`); None = all.
    """

    def fill(match: re.Match[str]) -> str:
        if match[1]:
            return "${"
        name = match[2]
        if not match[3] or not _NAME.fullmatch(name):
            raise ValueError(
                f"`{match[0]}` is no reference to an environment variable; write ${{NAME}}, or $${{ for a literal ${{"
            )
        if allowed is not None and not any(_allows(pattern, name) for pattern in allowed):
            listed = ", ".join([*allowed[:_MOST_LISTED], *(["…"] if len(allowed) > _MOST_LISTED else [])]) or "none"
            raise ValueError(f"environment variable `{name}` may not be used; `access.environment` allows {listed}")
        if name not in environment:
            raise ValueError(f"environment variable `{name}` is not set")
        return environment[name]

    return lambda text: _REFERENCE.sub(fill, text) if "${" in text else text


def allowed_variables(document: Any) -> tuple[str, ...] | None:
    """What `access.environment` lists in the keys of a policy as written; None where nothing is."""
    access = document.get("access") if isinstance(document, dict) else None
    listed = access.get("environment") if isinstance(access, dict) else None
    return tuple(name for name in listed if isinstance(name, str)) if isinstance(listed, list) else None


def _allows(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def as_written(message: str, written: str, filled: str, *, near: bool) -> str:
    """The message with `written`, the text of the file, in place of what was `filled` in for it.

    Args:
        near: the message is about this very string, so that what it quotes may be a part of it.
    """
    whole = filled.strip()
    if len(whole) > 3:  # shorter ones are no secrets, and part of many a word
        message = re.sub(re.escape(whole), lambda _: written, message, flags=re.IGNORECASE)
    if not near:
        return message

    open_text = _REFERENCE.sub("", written)

    def hide(match: re.Match[str]) -> str:
        hidden = match[2].lower() in filled.lower() and match[2] not in open_text
        return f"{match[1]}{written}{match[1]}" if hidden else match[0]

    message = _QUOTED.sub(hide, message)
    # Whatever a library has made of it: where four characters of a value are left, nothing of the message is told.
    if (_runs(filled) - _runs(written)) & _runs(message.replace(written, "")):
        return f"is not valid with what the environment fills in for {written}"
    return message


def _runs(text: str) -> set[str]:
    found: set[str] = set()
    for form in (text, unquote(text)):
        folded = form.casefold()
        found.update(folded[at : at + _LONGEST_REPEATED] for at in range(len(folded) - _LONGEST_REPEATED + 1))
    return found
