"""What a text looks like, whatever its language: code, mathematics, questions, lists and sizes."""

# ruff: noqa: RUF001 - signs of other scripts are what is looked for

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final

# Counting plain text is twenty times as fast as searching for a pattern.
_MARKS: Final = {
    "code fence": ("```", "~~~"),
    "operator": ("==", "!=", "=>", "->", "&&", "||", "::", "+=", "++", "</", "/>", "[]", "{}", "<<", "//"),
    "call": ("()", ");", "(self", ".length", "('", '("'),
    "statement end": (";\n", "{\n", "}\n", "):\n", ",\n"),
    "tag": ("<div", "<html", "<body", "<script", "<span", "<table", "<style", "<button", "<input", "<?php"),
    "underscore": ("_",),
    "equals": ("=",),
    "operation": ("+", "*", "^", "×", "÷", " - ", " / "),
    "symbol": tuple("²³√∑∫∞π≤≥≠∈∀∃→≈°·"),
    "latex": ("\\frac", "\\sum", "\\int", "\\sqrt", "\\begin", "\\math", "\\text", "\\left", "\\cdot", "\\in", "$$"),
    "dollar": ("$",),
    "percent": ("%",),
    "blank": ("___",),
    "cell": (" | ", "|-"),
    "quotation": ('"', "“", "«", "「", "『"),
    "exclamation": ("!", "！"),
    "question": ("?", "？", "؟"),
    "failure": (
        "Traceback",
        "Error:",
        "Exception",
        "error:",
        "exception:",
        "segfault",
        "  at ",
        'File "',
        "ERROR",
        "Error ",
        "ERR!",
        "fatal:",
        "FATAL",
        "panic:",
        "exit code",
        "error[",
    ),
    "cell error": ("#REF!", "#N/A", "#NAME?", "#DIV/0!", "#VALUE!", "#NV"),
    "file": (".py", ".js", ".ts", ".java", ".cpp", ".h>", ".html", ".css", ".json", ".yaml", ".sh", ".sql", ".csv"),
    "shell": ("$ ", "sudo ", "pip install", "npm ", "#!/", "curl ", " --"),
    "query": ("SELECT ", "select ", "INSERT INTO", "CREATE TABLE", " FROM ", " WHERE ", "GROUP BY"),
}
_LINE_STARTS: Final = {
    "definition": (
        "def ",
        "class ",
        "async ",
        "fn ",
        "func ",
        "function ",
        "interface ",
        "struct ",
        "public ",
        "private ",
        "static ",
        "void ",
        "int ",
        "const ",
        "let ",
        "var ",
        "export ",
        "template",
    ),
    "import line": ("import ", "from ", "using ", "require", "package ", "#include", "use "),
    "statement": ("return", "if (", "for (", "while (", "else", "elif ", "try", "except", "end", "}", "{", "@", "."),
    "comment": ("# ", "//", "/*", "--", "<!--", '"""', "'''", ">>> "),
    "choice": tuple(f"{a}{letter}{b}" for letter in "ABCDabcd" for a, b in (("(", ")"), ("", ")"), ("", "."))),
    "bullet": ("- ", "* ", "• ", *(f"{n}." for n in range(1, 10)), *(f"{n})" for n in range(1, 10))),
    "speaker": ("[", "(", "“", '"', "—", "«"),
}
_NUMBER: Final = re.compile(r"\d[\d.,]*")
_QUANTITY: Final = re.compile(
    r"\d\s?(?:[kcm]?m|km/h|m/s|k?g|mg|m?l|%|°|hz|watts?|hours?|minutes?|seconds?|years?|days?|met(?:er|re)s?|units?)(?!\w)"
)
_EQUATION: Final = re.compile(r"=\s?-?[\d(a-z]|\d\s?[+*/^×÷-]\s?\d|\b[fgh]\([\da-z]")
_JOINED: Final = re.compile(r"[a-z][A-Z]")
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d|\d\d:\d\d:\d\d")
_SHEET_FUNCTION: Final = re.compile(r"(?<![^\W\d_])[A-ZÄÖÜА-Я]{2,}(?:\.[A-ZА-Я]+)?\(")
_SEPARATORS: Final = (",", ";", "\t", "|")
_DIGITS: Final = frozenset("0123456789")
_MOST_LINES: Final = 60
_MOST_OF_A_KIND: Final = 12


def shapes(text: str) -> Iterator[tuple[str, float]]:
    """Every shape that the text has, and how much of it: the logarithm of the number of times."""
    # Most texts have few of the signs that marks begin with, and looking for the others would cost the most.
    signs = set(text)
    for name, marks in _MARKS.items():
        count = 0
        for mark in marks:
            if mark[0] in signs:
                count += text.count(mark)
        if count:
            yield name, math.log1p(min(count, _MOST_OF_A_KIND))
    numbers = (("number", _NUMBER), ("quantity", _QUANTITY), ("time stamp", _STAMP)) if signs & _DIGITS else ()
    equations = (("equation", _EQUATION),) if numbers or "=" in signs or "(" in signs else ()
    functions = (("sheet function", _SHEET_FUNCTION),) if "(" in signs else ()
    for name, pattern in (*numbers, *equations, *functions, ("camelCase", _JOINED)):
        found = len(pattern.findall(text))
        if found:
            yield name, math.log1p(min(found, _MOST_OF_A_KIND))
    if text[:1] == "=" and text[1:2].isalnum():
        yield "formula", 3.0
    yield from _lines(text)
    length = len(text)
    yield f"length {min(6, int(math.log2(length / 25 + 1)))}", 1.0
    end = text.rstrip()[-1:]
    yield (
        "ends in question" if end in ("?", "？", "؟") else "ends in colon" if end in (":", "：") else "ends plain",
        1.0,
    )
    if not text.isascii():
        yield "beyond ascii", 1.0


def _lines(text: str) -> Iterator[tuple[str, float]]:
    lines = text.split("\n", _MOST_LINES)
    if len(lines) > 1:
        yield "lines", math.log1p(len(lines)) / 2
    counts = dict.fromkeys(_LINE_STARTS, 0)
    indented = 0
    for line in lines:
        bare = line.lstrip()
        indented += len(line) - len(bare) >= 2
        for name, starts in _LINE_STARTS.items():
            counts[name] += bare.startswith(starts)
    if len(lines) > 2:
        for mark in _SEPARATORS:
            fields = [line.count(mark) for line in lines[:3]]
            if (fields[0] > 1 and fields[0] == fields[1]) or (fields[1] > 1 and fields[1] == fields[2]):
                yield "rows of values", 1.0
                break
    for name, count in (*counts.items(), ("indented", indented)):
        if count:
            yield name, math.log1p(count)
