"""What is wrong with text that is no YAML, in the words of somebody who writes it and not of a parser."""

from __future__ import annotations

import re
from typing import Final

import yaml
from yaml.constructor import ConstructorError

from governance.model.errors import Problem

# YAML 1.2, section 5.1.
_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_BLANK: Final = re.compile(r"\s*(?:- )?[\w.-]+:[^\s:]")
_TAG: Final = re.compile("constructor for the tag '(.*)'")
_COLUMNS: Final = "what belongs together begins in the same column"
_INDENTED: Final = "the indentation is wrong: this line"


def yaml_problem(source: str, text: str, error: Exception) -> Problem:
    """The mistake that PyYAML found in `text`, on the line where it is to be mended.

    Args:
        error: a yaml.YAMLError, or the ValueError of a character that no text may hold.
    """
    if isinstance(error, yaml.MarkedYAMLError):
        line, column, reason = _explained(text.splitlines(), error)
    else:
        # What no document may hold has no mark, and its message several lines.
        bad = _UNPRINTABLE.search(text)
        line, column = text.count("\n", 0, bad.start()) + 1 if bad else 1, 1
        reason = f"the character {bad[0]!r} is not allowed" if bad else " ".join(str(error).split())
    return Problem(source, line, column, "", f"not valid YAML: {reason}")


def _explained(lines: list[str], error: yaml.MarkedYAMLError) -> tuple[int, int, str]:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    began = error.context_mark.line + 1 if error.context_mark else line
    problem, context = str(error.problem or error.context or "cannot be read"), str(error.context or "")
    here = lines[line - 1] if line <= len(lines) else ""
    found = here[column - 1 : column]
    if found == "\t" and ("token" in problem or "tab" in problem):
        return line, column, "a tab stands where only blanks may: YAML is indented with blanks"
    if "mapping values are not allowed" in problem:
        return line, column, _second_colon(lines, line, column)
    if "could not find expected ':'" in problem:
        return began, 1, "this line is no `key: value`"
    if "quoted scalar" in context and "end of stream" in problem:
        return began, 1, "a quote opens on this line and is closed nowhere"
    if "escape" in problem:
        return line, column, "a backslash in double quotes begins an escape, and this is none; use single quotes"
    if "alphabetic or numeric" in problem or "undefined alias" in problem:
        sign = "&" if "anchor" in context else "*"
        stands_for = (
            "names a value" if sign == "&" else "stands for a value that `&` has named before, and none has this name"
        )
        return line, column, f"`{sign}` {stands_for}; put the text in quotes if it is meant as it is"
    if "flow" in context:
        opening = "[" if "sequence" in context else "{" if "map" in context else ""
        return line, column, _not_closed(began, found, opening)
    if "another document" in problem:
        return line, column, "a second document begins here; there must be one"
    if found and ("cannot start any token" in problem or "expected node content" in problem):
        return line, column, f"`{found}` cannot begin a value; put the value in quotes"
    if isinstance(error, ConstructorError):
        return line, column, _not_a_value(problem)
    return line, column, _misplaced(here, column, began, error)


def _second_colon(lines: list[str], line: int, column: int) -> str:
    before = lines[line - 1][: column - 1] if line <= len(lines) else ""
    if ": " in before:
        return "a second `: ` on one line; put the value in quotes, or begin a new line for the second key"
    above = next((n for n in range(line - 1, 0, -1) if lines[n - 1].strip() and lines[n - 1].strip()[0] != "#"), 0)
    if above and _NO_BLANK.match(lines[above - 1]):
        return f"line {above} has no blank after its `:`"
    if above and _indent(before) > _indent(lines[above - 1]):
        return f"{_INDENTED} is indented further than line {above}, which has a value already; {_COLUMNS}"
    return "a `:` where no key can be; put the text in quotes"


def _not_closed(began: int, found: str, opening: str) -> str:
    if not found:
        which = f"the `{opening}` of line {began}" if opening else "a `[` or `{`"
        return f"the text ends, and {which} is not closed"
    if not opening:
        return f"a value is missing before `{found}`"
    return f"a `,` or the end of what `{opening}` opens on line {began} is missing before this"


def _misplaced(here: str, column: int, began: int, error: yaml.MarkedYAMLError) -> str:
    problem, context, mark = str(error.problem or ""), str(error.context or ""), error.context_mark
    # PyYAML has two parsers, and each its own words.
    in_list = "'-' indicator" in problem or ("<block end>" in problem and "collection" in context)
    expected = in_list or any(words in problem for words in ("expected key", "document start", "<block end>"))
    if expected and column - 1 > _indent(here):
        return "more text after the end of a value; put the whole value in quotes"
    same = mark is not None and mark.column == column - 1
    if same and in_list:
        return f"this line is in the list that begins on line {began} and does not begin with `- `"
    if same and here.strip().startswith("-"):
        return f"a list entry among the keys of the mapping that begins on line {began}; a list needs a key of its own"
    if expected:
        return f"{_INDENTED} begins in column {column}, where nothing that it could belong to does; {_COLUMNS}"
    return problem


def _not_a_value(problem: str) -> str:
    tag = _TAG.search(problem)
    if tag and tag[1].endswith(":value"):
        return "`=` cannot begin a value; put the value in quotes"
    if tag and tag[1].endswith(":merge"):
        return "`<<` takes over a mapping, and stands where a key must be"
    if tag:
        return f"the tag `{tag[1].replace('tag:yaml.org,2002:', '!!')}` means nothing here"
    if "merging" in problem:
        return "`<<` takes over a mapping, and this is none"
    if "unhashable" in problem:
        return "a list or a mapping stands where a key must be"
    return problem


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
