"""Prompts that look like another task by their words; and a text of each kind that people paste."""
# ruff: noqa: RUF001 - letters and signs of other scripts are what is tested

from __future__ import annotations

import pytest

from governance_plugins.task_routing.classifier import classify
from tests.bench.task_data import seeds

NO_PROGRAM = [
    "Fix dinner plans",
    "Fix lunch plans for Thursday",
    "prescription process",
    "How does the prescription process work when I am abroad?",
    "The museum opens its spring exhibition in April. What can visitors see there?",
    "Where is the hot spring near Reykjavik?",
    "What do pythons eat in the wild?",
    "How do I remove rust from garden tools?",
    "Which branch of the river is navigable?",
    "How do I compile a guest list for a wedding?",
    "What should I order in a patch of forest in the way of mushrooms?",
    "How do I exit a timeshare contract?",
    "Where can I return library books?",
]
CODE = [
    "center a div",
    "how to center a div",
    "vim exit",
    "exit vim without saving",
    '=IF(C2>50,"high","low")',
    "=VLOOKUP(D4,Prices!A:F,6,FALSE)",
    "excel formula to sum the cells that are green",
    '=SUMMEWENN(B:B;"Strom";C:C)',
    "pandas: read this csv\nid;name;price\n1;Tea;3,50\n2;Coffee;4,20",
    "Traceback (most recent call last):\n  File \"x.py\", line 3, in <module>\nKeyError: 'a'",
    "npm ERR! missing script: start",
    "error: cannot borrow `x` as mutable more than once at a time",
    "2024-06-01 11:02:33 ERROR pool timed out waiting for connection",
    "git push is rejected, non-fast-forward",
    "SELECT name FROM customers WHERE city = 'Rome' ORDER BY name",
    "docker: Error response from daemon: conflict",
    "run the unit tests",
    "still fails in CI",
    "the build hangs after step 3",
    "用Python怎么读取JSON文件？",
    "这个函数为什么报错？",
    "写一个SQL语句，统计每个月的订单数",
    "このPythonのエラーを直してください",
    "JavaScriptで日付をフォーマットする方法",
    "Wie sortiere ich in Python eine Liste nach zwei Schlüsseln?",
    "Warum kompiliert dieser C++-Code nicht?",
    "¿Cómo ordeno un array en JavaScript?",
    "Comment inverser une chaîne en Python ?",
]
OTHERS = [
    ("Write a poem about a broken compiler", "creative"),
    ("Write a story in which a database falls in love", "creative"),
    ("Compare the characters of Faust and Mephisto", "analysis"),
    ("Summarise the attached contract in five points", "analysis"),
    ("Which months stand out?\nmonth,visitors\njan,120\nfeb,90\nmar,310", "analysis"),
    ("A spring of 300 N/m is stretched by 4 cm. How much energy does it store?", "reasoning"),
    ("A museum sold 320 tickets in spring and a quarter more in summer. How many in summer?", "reasoning"),
    ("\\int_0^2 (3x^2 + 1)\\,dx", "reasoning"),
    ("thx a lot", "fast"),
    ("yes, do it", "fast"),
    ("10 miles in km", "fast"),
]


@pytest.mark.parametrize("prompt", NO_PROGRAM)
def test_words_of_programs_in_daily_life_are_no_code(prompt: str) -> None:
    assert classify(prompt).task == "general"


@pytest.mark.parametrize("prompt", CODE)
def test_short_questions_formulas_and_pastes_of_programs_are_code(prompt: str) -> None:
    assert classify(prompt).task == "code"


@pytest.mark.parametrize(("prompt", "task"), OTHERS)
def test_a_topic_is_no_task(prompt: str, task: str) -> None:
    assert classify(prompt).task == task


def test_most_of_these_were_never_learned_from() -> None:
    learned = {each.text for each in seeds()}
    given = [*NO_PROGRAM, *CODE, *(prompt for prompt, _ in OTHERS)]

    assert sum(prompt in learned for prompt in given) <= len(given) / 5


@pytest.mark.parametrize("prompt", ["asdf qwer", "blorp", "xyzzy plugh frobozz"])
def test_of_unknown_words_nothing_is_claimed(prompt: str) -> None:
    found = classify(prompt)

    assert (found.task, found.signals[0][:6]) == ("general", "unsure")
