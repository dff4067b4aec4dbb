"""`${NAME}` in the strings of a policy. `$${` stands for a literal `${`.

`access.environment` of the document says which variables it may use; left out, all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import AfterValidator, WithJsonSchema

_REFERENCE = re.compile(r"\$(\$\{)|\$\{([^}]*)(\}?)")
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


def within(environment: Mapping[str, str], allowed: Sequence[str] | None) -> Mapping[str, str]:
    """The variables that a policy which comes over the network may use: those that the policy file lists."""
    if allowed is None:
        return environment
    return {name: value for name, value in environment.items() if any(_allows(pattern, name) for pattern in allowed)}


def _allows(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def variables(text: str) -> tuple[str, ...]:
    """The variables that a text of the file refers to, in their order."""
    return tuple(dict.fromkeys(match[2] for match in _REFERENCE.finditer(text) if match[2]))
