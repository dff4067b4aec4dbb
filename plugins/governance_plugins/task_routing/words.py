"""A text to words, in any script: where a script has no spaces between words, pairs of characters stand for them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# Where most of what tells a task stands: the instruction before, or the question after, what was pasted.
HEAD_CHARACTERS: Final = 600
TAIL_CHARACTERS: Final = 250

# Han, kana, Thai, Lao, Khmer, Burmese. Hangul has spaces, but its endings cling to the words.
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:[+#]+(?!\w))?")
_IS_UNSPACED: Final = re.compile(rf"[{_UNSPACED}]")
_LONGEST_WORD: Final = 24


def excerpt(text: str) -> str:
    """The beginning and the end of a long text, so that its length costs nothing."""
    if len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
        return text
    return f"{text[:HEAD_CHARACTERS]}\n{text[-TAIL_CHARACTERS:]}"


def words(text: str) -> list[str]:
    """The words of a text in lower case, in their order; runs of an unspaced script as overlapping pairs.

    >>> words("Fix C++ code, snake_case!")
    ['fix', 'c++', 'code', 'snake', 'case']
    >>> words("写一首诗")
    ['写一', '一首', '首诗']
    """
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        if not word.isascii() and _IS_UNSPACED.match(word):
            found.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            found.append(word[:_LONGEST_WORD])
    return found


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """A word without the commonest English endings; other alphabets' words are cut to their first five letters.

    >>> [stem(word) for word in ("stories", "classes", "writing", "classical", "расскажи")]
    ['story', 'class', 'writ', 'classical', 'расск']
    """
    if not word.isascii():
        return word[:5] if len(word) > 5 else word
    if len(word) > 4:
        if word.endswith("ies"):
            return word[:-3] + "y"
        for ending in ("sses", "shes", "ches", "xes"):
            if word.endswith(ending):
                return word[:-2]
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
    if len(word) > 5 and word.endswith("ing"):
        return word[:-3]
    if len(word) > 4 and word.endswith("ed"):
        return word[:-2]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word
