"""What a turn says of its place in a conversation: it points back (`it`, `same`), goes elsewhere, names code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import yaml

_GIVEN: Final = yaml.safe_load(Path(__file__).with_name("pointing.yaml").read_text("utf-8"))
_WORDS: Final = frozenset(word for words in _GIVEN["words"].values() for word in words.split())
_UNSPACED_WORDS: Final = tuple(word for words in _GIVEN["unspaced"].values() for word in words.split())


def _any_of(patterns: dict[str, list[str]]) -> str:
    return "|".join(pattern for each in patterns.values() for pattern in each)


_GOES_ON: Final = re.compile(rf"[\s¿¡]*(?:{_any_of(_GIVEN['goes_on'])})\b")
_ELSEWHERE: Final = re.compile(_any_of(_GIVEN["elsewhere"]))
# Names of files, identifiers, calls, paths, what stands in backticks.
_CODE_NAME: Final = re.compile(
    r"`[^`\n]+`|\b[\w-]+\.(?:py|pyi|ipynb|js|jsx|mjs|ts|tsx|vue|svelte|java|kt|go|rs|rb|php|cs|c|h|cc|cpp|hpp|swift|scala"
    r"|lua|pl|r|jl|ex|exs|hs|sql|sh|bash|zsh|ps1|tf|html|css|scss|json|ya?ml|toml|ini|cfg|xml|gradle|lock|env|proto)\b"
    r"|\b\w+\(\)|\b[a-z0-9]+_[a-z0-9_]+\b|\b[a-z]+[A-Z]\w+\b|(?:^|\s)(?:\.{0,2}/)?[\w.-]+/[\w.-]+/[\w./-]+\b",
    re.ASCII,
)
_NAME: Final = re.compile(r"(?<=[^\W\dA-Z_] )[A-Z][^\W\d_]{3,}|\b(?:1[5-9]|20)\d\d\b")
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_APOSTROPHE: Final = "\u2019"
_LOOKED_AT: Final = 240
_CHARACTERS_PER_WORD: Final = 2


def said_words(text: str) -> int:
    """About how many words a turn has; of a long one those at its beginning. Unspaced scripts have two letters each."""
    head = text[:_LOOKED_AT]
    unspaced = 0 if head.isascii() else len(_UNSPACED.findall(head))
    if unspaced:
        head = _UNSPACED.sub(" ", head)
    return len(_WORD.findall(head)) + -(-unspaced // _CHARACTERS_PER_WORD)


def points_back(text: str) -> bool:
    """Whether a turn points at what was said before, or begins as one that goes on from it."""
    head = text[:_LOOKED_AT].lower().replace(_APOSTROPHE, "'")
    if _GOES_ON.match(head) or not _WORDS.isdisjoint(_WORD.findall(head)):
        return True
    return not head.isascii() and any(word in head for word in _UNSPACED_WORDS)


def goes_elsewhere(text: str) -> bool:
    """Whether a turn says itself that it is about something else than what came before."""
    return _ELSEWHERE.search(text[:_LOOKED_AT].lower()) is not None


def names_something(text: str) -> bool:
    """Whether a turn names somebody or something by a name of its own, as far as capital letters tell that."""
    return _NAME.search(text[:_LOOKED_AT]) is not None


def names_code(text: str) -> bool:
    """Whether a turn names files or parts of a program."""
    return _CODE_NAME.search(text[:_LOOKED_AT]) is not None
