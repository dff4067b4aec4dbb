"""Which of a user's turns says what a conversation is about: the last that stands by itself.

`run the tests`, `still broken`, `thanks!` ask for what was asked for before, whatever a classifier takes them for. A
turn changes the task where its own words are enough for that: the shorter it is, and the more it points at what was
said before, the surer the classifier has to be. Where no turn is sure enough, tools for code speak, and then the first
turn that says anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from governance.model.classification import Classification, Classifier
from governance.model.talk import Talk
from governance_plugins.task_routing.pointing import (
    goes_elsewhere,
    names_code,
    names_something,
    points_back,
    said_words,
)

FAST: Final = "fast"
CODE: Final = "code"
UNSURE: Final = "general"
# Of the turns before the last: so many are judged. All together no more characters than this, of which the first turn
# has most: it says what a conversation is for.
_MOST_JUDGED: Final = 5
_MOST_CHARACTERS: Final = 1_300
_LONGEST: Final = 1_000
_OF_THE_FIRST: Final = 0.7
_OF_OTHERS: Final = 240
# How sure a classifier has to be of a turn that stands by itself, and how much more where it does not.
_FIRM: Final = 0.65
_POINTS_BACK: Final = 0.35
_FEW_WORDS: Final = 0.2
_VERY_FEW_WORDS: Final = 0.3
_AMONG_TOOLS: Final = {"creative": 0.1}
_AMONG_TOOLS_ELSE: Final = 0.2
# Any short question may be taken for a general one.
_QUESTION: Final = 0.3
_FEW_FOR_A_QUESTION: Final = 8
_FIRM_ELSEWHERE: Final = 0.4
# Where no turn is sure enough: so much less will do for one that is so much surer than those before it.
_LESS: Final = 0.1
_MUCH: Final = 0.15
_SUREST: Final = 0.97
_LONG: Final = 16
# Who is given one of the first or two of the others works on code.
_CODING: Final = frozenset(
    {
        *("bash", "shell", "terminal", "edit", "multiedit", "multi_edit", "apply_patch", "apply_diff", "edit_file"),
        *("write_file", "write_to_file", "replace_in_file", "search_replace", "str_replace_editor", "text_editor"),
        *("str_replace_based_edit_tool", "insert_edit_into_file", "run_terminal_cmd", "run_in_terminal"),
        *("run_command", "execute_command", "exec_command", "local_shell", "create_file", "notebookedit"),
        *("notebook_edit", "run_tests", "container.exec", "unified_exec", "run_shell_command", "replace"),
    }
)
_READING: Final = frozenset(
    {
        *("read", "write", "read_file", "view_file", "view", "grep", "grep_search", "glob", "ls", "list_dir"),
        *("list_files", "list_directory", "codebase_search", "file_search", "search_files", "search_code", "todowrite"),
        *("search_file_content", "list_code_definition_names", "read_many_files", "get_errors", "get_file_contents"),
    }
)
_LEAST_READING: Final = 2


class Decided(NamedTuple):
    """A task, and what decided it, for the record. `sure`: a turn was enough for that by itself."""

    task: str
    by: str
    sure: bool = False


class Turns:
    """Judges conversations by one classifier.

    Args:
        name: what the classifier is called.
    """

    def __init__(self, classify: Classifier, name: str) -> None:
        self._classify = classify
        self._name = name

    def decide(self, talk: Talk) -> Decided:
        """The task of a conversation. No text is in what is told of it."""
        turns = talk.turns
        if not turns:
            return self._unsaid(talk)
        coding = is_coding(talk)
        judged: dict[int, Classification] = {}
        for turn, text in ((0, turns[0]), *_worth_judging(turns)):
            judged[turn] = found = self._classify(text)
            opening = talk.first and turn == len(turns) - 1
            if _stands(turns[turn], found, coding, opening):
                return Decided(found.task, self._told(found, turn, talk), True)
            if coding and found.task != FAST and names_code(turns[turn]):
                by = f"files or code named in the user's {ordinal(turn, talk)}, and tools for code{_since(turn)}"
                return Decided(CODE, by, True)
        if coding and any(found.task != FAST for found in judged.values()):
            return Decided(CODE, f"tools for code, and {self._name} is not sure enough of any of the user's turns")
        return self._first(judged, talk)

    def _first(self, judged: dict[int, Classification], talk: Talk) -> Decided:
        """No turn stands by itself: the earliest that says anything goes on, until one is much surer."""
        best: int | None = None
        for turn in sorted(judged, reverse=True):
            found = judged[turn]
            if found.task == FAST or _is_unsure(found):
                continue
            least = 0.0
            if best is not None:
                least = max(_need(talk.turns[turn], found.task) - _LESS, judged[best].confidence + _MUCH)
            if found.confidence >= least:
                best = turn
        best = best or 0
        return Decided(judged[best].task, self._told(judged[best], best, talk))

    def _unsaid(self, talk: Talk) -> Decided:
        if is_coding(talk):
            return Decided(CODE, "the tools given, which are for code; the user has typed nothing")
        found = self._classify("")
        return Decided(found.task, self._told(found, 0, talk))

    def _told(self, found: Classification, turn: int, talk: Talk) -> str:
        by = f"classifier {self._name}, {found.confidence:.2f} sure"
        if len(talk.turns) > 1:
            by += f" of the user's {ordinal(turn, talk)}"
        by += f" ({', '.join(found.signals)})" if found.signals else ""
        return by + _since(turn)


def is_coding(talk: Talk) -> bool:
    """Whether the tools that are given are those of somebody who works on code."""
    tools = {tool.rstrip("0123456789_") for tool in talk.tools}
    return bool(tools & _CODING) or len(tools & _READING) >= _LEAST_READING


def ordinal(turn: int, talk: Talk) -> str:
    """How a turn is told; 0 = the last one."""
    if turn and talk.first and turn == len(talk.turns) - 1:
        return "first turn"
    return "last turn" if turn == 0 else f"last turn but {turn}"


def _since(turn: int) -> str:
    return "; what was said since is too short or unsure to change it" if turn else ""


def _stands(text: str, found: Classification, coding: bool, opening: bool) -> bool:
    """Whether the words of a turn are enough to say the task, whatever was said before; `opening`: nothing was."""
    if found.task == FAST or _is_unsure(found):
        return False
    if coding and found.task != CODE and names_code(text):
        return False
    need = _FIRM if opening else _need(text, found.task)
    if coding and found.task != CODE and not goes_elsewhere(text):
        need += _AMONG_TOOLS.get(found.task, _AMONG_TOOLS_ELSE)
    return found.confidence >= min(need, _SUREST)


def _need(text: str, task: str) -> float:
    """How sure a classifier must be of a turn that others were before."""
    words, elsewhere = said_words(text), goes_elsewhere(text)
    need = _FIRM_ELSEWHERE if elsewhere else _FIRM
    if words <= 3:
        need += _VERY_FEW_WORDS
    elif words <= 5:
        need += _FEW_WORDS
    if task == UNSURE and words <= _FEW_FOR_A_QUESTION and not names_something(text):
        need += _QUESTION
    if words <= _LONG and not elsewhere and points_back(text):
        need += _POINTS_BACK
    return need


def _is_unsure(found: Classification) -> bool:
    return found.task == UNSURE and bool(found.signals) and found.signals[0].startswith("unsure")


def _worth_judging(turns: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """The turns before the last, the later first: those that have most to say, and the first one. Each is cut short."""
    first = len(turns) - 1
    if not first:
        return
    left = _MOST_CHARACTERS - min(len(turns[0]), _LONGEST)
    opening = _cut(turns[first], int(left * _OF_THE_FIRST))
    left -= len(opening)
    chosen: list[int] = []
    for turn in sorted(range(1, first), key=lambda turn: (-min(len(turns[turn]), _OF_OTHERS), turn))[
        : _MOST_JUDGED - 1
    ]:
        left -= min(len(turns[turn]), _OF_OTHERS)
        if left >= 0:
            chosen.append(turn)
    for turn in sorted(chosen):
        yield turn, _cut(turns[turn], _OF_OTHERS)
    yield first, opening


def _cut(text: str, most: int) -> str:
    """The beginning and the end of a text, so many characters together."""
    return text if len(text) <= most else f"{text[: most * 3 // 4]}\n{text[-(most // 4) + 1 :]}"
