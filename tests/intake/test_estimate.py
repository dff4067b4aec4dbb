"""About how many tokens a text has. `python -m tests.bench.estimate` measures how near that is."""

from __future__ import annotations

import base64
import random

import pytest

from governance.intake.estimate import Estimator, estimate_tokens

# Each with its tokens in OpenAI's o200k encoding.
TEXTS = {
    "English": ("Room is reserved before the call, and given back when the attempt fails. " * 4, 61),
    "code": ("def total(rows: list[Row]) -> int:\n    return sum(row.amount for row in rows if row.open)\n" * 4, 96),
    "JSON": ('{"name": "research", "limit": 1000, "period": "day", "tags": ["a", "b"]}\n' * 4, 112),
    "German": ("Der Antrag wurde gestern geprüft und abgelehnt. Bitte fassen Sie den Bericht zusammen. " * 4, 73),
    "Russian": ("Заявку вчера рассмотрели и отклонили. Кратко изложите этот отчёт. " * 4, 85),
    "Chinese": ("申请昨天已经审核并被拒绝。请用三句话总结这份报告。" * 4, 72),
    "Japanese": ("申請は昨日審査され、却下されました。この報告書を要約してください。" * 4, 88),
    "Korean": ("신청서는 어제 검토된 후 거절되었습니다. 이 보고서를 요약해 주세요. " * 4, 82),
    "Arabic": ("تمت مراجعة الطلب أمس ورفضه. يرجى تلخيص هذا التقرير في ثلاث جمل. " * 4, 82),
    "numbers": ("412.37, 88.10, 903.55, 127.64, 5.02, 619.48\n" * 4, 116),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_of_many_kinds_are_estimated_within_a_fourth(kind: str) -> None:
    text, tokens = TEXTS[kind]

    assert estimate_tokens(text) == pytest.approx(tokens, rel=0.25)


def test_random_data_as_base64_has_a_token_for_about_one_and_a_half_characters() -> None:
    data = base64.b64encode(random.Random(1).randbytes(3_000)).decode()

    assert estimate_tokens(data) == pytest.approx(len(data) / 1.45, rel=0.15)


def test_only_nothing_has_no_tokens() -> None:
    assert estimate_tokens("") == 0
    assert [estimate_tokens(text) for text in ("a", " ", "\0", "é", "\ud800")] == [1, 1, 1, 2, 1]


def test_a_long_text_is_judged_by_pieces_from_all_over_it() -> None:
    prose, marks = "The report names three reasons. " * 1_000, "{[(=)]};" * 4_000

    for text in (prose + marks, marks + prose):
        assert estimate_tokens(text) == pytest.approx(estimate_tokens(prose) + estimate_tokens(marks), rel=0.3)


def test_the_same_text_has_the_same_estimate_whatever_its_length() -> None:
    line = "The report of last week names three reasons for the delay. "

    assert estimate_tokens(line * 100_000) == pytest.approx(100_000 * estimate_tokens(line), rel=0.1)


def test_texts_beyond_what_is_looked_at_are_taken_to_be_like_those_before() -> None:
    line = "The report of last week names three reasons for the delay. "
    estimator = Estimator()
    found = [estimator.tokens(line) for _ in range(1_000)]

    assert found[-1] == pytest.approx(found[0], abs=1)


def test_no_run_of_one_character_has_less_than_nothing() -> None:
    for character in map(chr, (*range(128), 0xE9, 0x44F, 0x5B57, 0x1F600)):
        for size in range(1, 40):
            assert estimate_tokens(character * size) >= 1
