"""What the classifier takes a prompt for: by words and shapes, in any script, whatever the length."""
# ruff: noqa: RUF001 - letters and signs of other scripts are what is tested

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.model.classification import Classification, classifier, classifiers
from governance.model.errors import GovernanceError
from governance_plugins.task_routing.classifier import LEAST_CONFIDENCE, WEIGHTS, classify
from governance_plugins.task_routing.features import features
from governance_plugins.task_routing.words import HEAD_CHARACTERS, TAIL_CHARACTERS, excerpt, words
from tests.patience import run

TASKS = {"analysis", "code", "creative", "fast", "general", "reasoning"}


@pytest.mark.parametrize(
    ("prompt", "task"),
    [
        ("Fix the race condition in this Go server", "code"),
        ("```\nfor x in y:\n    print(x)\n```", "code"),
        ("Traceback (most recent call last):\n  File \"a.py\", line 1\nTypeError: 'int' is not iterable", "code"),
        ("SELECT name, total FROM orders WHERE total > 100 ORDER BY name;", "code"),
        ("Write a bedtime story about a dragon who is afraid of the dark", "creative"),
        ("Write a story in which a programmer falls in love", "creative"),
        ("Compare the two proposals and summarize their strengths and weaknesses", "analysis"),
        ("Prove that the sum of two even numbers is even", "reasoning"),
        ("Solve x^2 - 4x + 3 = 0", "reasoning"),
        ("What is the probability of drawing two aces from a deck of cards?", "reasoning"),
        ("Who was the first president of the United States?", "general"),
        ("What is the capital of Portugal?", "general"),
        ("Hi", "fast"),
        ("Good morning!", "fast"),
        ("thanks", "fast"),
        ("", "general"),
    ],
)
def test_a_prompt_is_taken_for_what_it_is(prompt: str, task: str) -> None:
    assert classify(prompt).task == task


@pytest.mark.parametrize(
    ("prompt", "task"),
    [
        ("Escribe una función en Python que sume dos números", "code"),
        ("Напиши функцию на Python, которая сортирует список", "code"),
        ("用Python写一个函数，对列表进行排序", "code"),
        ("このPythonコードのバグを直してください", "code"),
        ("Écris un poème sur la mer", "creative"),
        ("Напиши стихотворение о зиме", "creative"),
        ("写一首关于秋天的诗", "creative"),
        ("가을에 대한 시를 써줘", "creative"),
        ("اكتب قصيدة عن البحر", "creative"),
        ("Beweise, dass die Wurzel aus 2 irrational ist", "reasoning"),
        ("Реши уравнение x^2 - 9 = 0", "reasoning"),
        ("证明这个定理", "reasoning"),
        ("¿Cuál es la capital de Portugal?", "general"),
        ("Какая столица Португалии?", "general"),
        ("葡萄牙的首都是哪里？", "general"),
        ("Fasse den folgenden Artikel zusammen", "analysis"),
        ("比较这两种方案的优缺点", "analysis"),
        ("Привет", "fast"),
        ("你好", "fast"),
    ],
)
def test_other_languages_and_scripts_are_understood(prompt: str, task: str) -> None:
    assert classify(prompt).task == task


@pytest.mark.parametrize(
    "prompt",
    [
        "What is the capital of Belgium?",
        "Tell me about classical music of the 18th century",
        "When is the preview of the exhibition?",
        "Tell me about the history of Vienna",
        "Which hotel in the capital is the best?",
        "How long do ladybugs live?",
        "What is the ideal temperature of a fridge?",
        "Where can I buy therapeutic shoes?",
    ],
)
def test_words_are_not_found_inside_of_words(prompt: str) -> None:
    assert classify(prompt).task == "general"


def test_the_confidence_and_what_spoke_for_it_are_told_without_a_word_of_the_prompt() -> None:
    found = classify("Refactor this Python function, please: def quokka(x): return x")

    assert found.confidence > 0.8
    assert "words of code" in found.signals
    assert not any("quokka" in signal or "python" in signal.lower() for signal in found.signals)


def test_what_is_unsure_is_general_and_says_what_it_might_be() -> None:
    found = classify("lorem ipsum dolor quokka zanzibar xylophonic")

    assert (found.task, found.confidence < LEAST_CONFIDENCE) == ("general", True)
    assert found.signals[0].startswith("unsure, at best ")


def test_the_end_of_a_long_prompt_counts_as_its_beginning_does() -> None:
    pasted = "Lorem ipsum dolor sit amet. " * 100_000

    assert classify(f"{pasted}\n\nFix the bug in this Python code").task == "code"
    assert classify(f"Write a poem about this:\n\n{pasted}").task == "creative"


def test_the_work_is_bounded_whatever_the_length() -> None:
    for piece in ("word ", "字", "(", "x_y=1;\n", "- 1) a\n", "\n", "9" * 50, "```", "$ a ", " | ", "\\frac", "ا "):
        text = excerpt(piece * 2_000_000)
        assert len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS + 1
        assert len(features(piece * 2_000_000)) <= 3 * len(text) + 200


@given(st.text(alphabet=st.characters(), max_size=3_000))
def test_any_text_has_an_answer(text: str) -> None:
    found = classify(text)

    assert found.task in TASKS
    assert 0 <= found.confidence <= 1


@given(st.text(max_size=300))
def test_words_hold_nothing_that_the_text_does_not(text: str) -> None:
    assert all(word in text.lower() for word in words(text))


def test_the_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size < 2 * 1024 * 1024
    assert json.loads(WEIGHTS.read_text("utf-8"))["tasks"] == sorted(TASKS)


def test_a_distribution_may_bring_a_classifier_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "my_classifier.py").write_text(
        "from governance.model.classification import Classification\n"
        "def classify(text):\n"
        "    return Classification('poetry', 0.9, ('rhymes',))\n"
    )
    metadata = tmp_path / "my_classifier-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-classifier\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[governance.classifiers]\nmine = my_classifier:classify\n")
    policy = {"task_routing": {"classifier": "mine", "overrides": {"poetry": "a/poet"}}}
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from governance.engine.host import Host\n"
        "from governance.model import Request\n"
        "plugin = Host.parse(sys.argv[2]).plugins['task_routing']\n"
        "print(plugin.select_targets(Request('auto'), ()).targets[0].name)\n"
    )
    told = run([sys.executable, "-c", code, str(tmp_path), json.dumps(policy)])

    assert (told.stdout, told.stderr) == ("a/poet\n", "")


def test_an_unknown_classifier_is_told_with_those_that_are_installed() -> None:
    assert "heuristic" in classifiers()
    assert isinstance(classifier("heuristic")("Hello"), Classification)
    with pytest.raises(GovernanceError, match="`x` is no classifier; installed: heuristic"):
        classifier("x")
