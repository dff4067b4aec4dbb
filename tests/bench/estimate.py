"""How good and how dear the estimates of prompts are: `python -m tests.bench.estimate`. Needs the proxy's extra.

Errors are measured against the two encodings that LiteLLM brings along, on texts of this repository and made ones.
Ends with exit code 1 when an aim is missed.
"""

from __future__ import annotations

import base64
import json
import os
import random
import statistics
import sys
import timeit
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from governance.catalog.prices import installed_prices
from governance.intake.content import Content
from governance.intake.estimate import estimate_tokens

ROOT = Path(__file__).resolve().parents[2]
AIM_MEDIAN, AIM_P95, AIM_US, AIM_WORST_US = 0.08, 0.25, 15.0, 1000.0
SIZES = (150, 600, 2_000, 5_000)
TEXTS_OF_EACH_KIND = 40

# In other scripts there is no text in the repository, so these sentences are shuffled.
SENTENCES = {
    "German": "Der Antrag wurde gestern geprüft und abgelehnt. Bitte fassen Sie den Bericht in drei Sätzen zusammen. "
    "Welche Möglichkeiten gibt es, die Übertragung zu beschleunigen? Die Rechnung muss bis Freitag bezahlt werden.",
    "French": "La demande a été examinée hier puis refusée. Pouvez-vous résumer ce rapport en trois phrases? "
    "Quelles sont les façons d'accélérer le transfert? La facture doit être payée avant vendredi.",
    "Spanish": "La solicitud fue revisada ayer y rechazada. ¿Puede resumir este informe en tres frases? "
    "¿Qué maneras hay de acelerar la transmisión? La factura debe pagarse antes del viernes.",
    "Russian": "Заявку вчера рассмотрели и отклонили. Кратко изложите этот отчёт в трёх предложениях. "
    "Какие есть способы ускорить передачу данных? Счёт нужно оплатить до пятницы.",
    "Chinese": "申请昨天已经审核并被拒绝。请用三句话总结这份报告。"
    "有哪些方法可以加快数据传输。发票必须在星期五之前付清。"
    "我们需要比较两种方案的成本。",
    "Japanese": "申請は昨日審査され、却下されました。この報告書を三つの文で要約してください。"
    "データの転送を速くする方法は何がありますか。請求書は金曜日までに支払わなければなりません。",
    "Korean": "신청서는 어제 검토된 후 거절되었습니다. 이 보고서를 세 문장으로 요약해 주세요. "
    "데이터 전송을 빠르게 하는 방법에는 무엇이 있습니까? 청구서는 금요일까지 지불해야 합니다.",
    "Arabic": "تمت مراجعة الطلب أمس ورفضه. يرجى تلخيص هذا التقرير في ثلاث جمل. "
    "ما هي الطرق المتاحة لتسريع نقل البيانات؟ يجب دفع الفاتورة قبل يوم الجمعة.",
    "Hindi": "आवेदन की कल समीक्षा की गई और उसे अस्वीकार कर दिया गया। कृपया इस रिपोर्ट का तीन वाक्यों में सारांश दें। "
    "डेटा भेजने की गति बढ़ाने के कौन से तरीके हैं? बिल का भुगतान शुक्रवार तक करना होगा।",
}


def corpus(draw: random.Random) -> Iterator[tuple[str, str]]:
    """Kind and text: prose, code and policies of this repository, and made texts."""
    folders = {
        "prose": "docs/**/*.md",
        "code": "governance/**/*.py",
        "tests": "tests/**/*.py",
        "YAML": "tests/**/*.yaml",
    }
    for kind, pattern in folders.items():
        whole = "\n".join(file.read_text() for file in sorted(ROOT.glob(pattern)))
        for _ in range(TEXTS_OF_EACH_KIND):
            size = draw.choice(SIZES)
            at = draw.randrange(len(whole) - size)
            yield kind, whole[at : at + size]
    for language, text in SENTENCES.items():
        parts = [
            part
            for mark in "。"
            for part in text.replace(". ", ".|").replace("? ", "?|").replace(mark, mark + "|").split("|")
        ]
        for _ in range(TEXTS_OF_EACH_KIND):
            yield language, " ".join(draw.choices(parts, k=draw.choice((3, 10, 40))))
    entries = list(installed_prices().items())
    for _ in range(TEXTS_OF_EACH_KIND):
        yield "JSON", json.dumps(dict(draw.sample(entries, 2)), indent=draw.choice((None, 2)))
        yield "base64", base64.b64encode(draw.randbytes(draw.choice(SIZES))).decode()
        yield "numbers", draw.choice((", ", "\n")).join(f"{draw.random() * 1000:.2f}" for _ in range(200))
        yield "ids", " ".join(str(uuid.UUID(int=draw.getrandbits(128))) for _ in range(20))


def bodies() -> dict[str, Any]:
    """The bodies that are the dearest to read."""
    turn = {"role": "user", "content": [{"type": "text", "text": "What is this? Что это? " * 8}]}
    tool = {
        "type": "function",
        "function": {"name": "look_up", "parameters": {"properties": {"a": {"type": "string"}}}},
    }
    picture = {"inlineData": {"mimeType": "image/png", "data": "QUJD" * 10_000}}
    page = {"type": "base64", "media_type": "text/plain", "data": "QUJD" * 10_000}
    nested: Any = "deep"
    for _ in range(400):
        nested = {"content": [nested, nested], "type": "tool_result"}
    return {
        "20,000 turns": {"messages": [turn] * 20_000},
        "20,000 turns of 100 parts": {"messages": [{"role": "user", "content": turn["content"] * 100}] * 20_000},
        "20,000 tools": {"tools": [tool] * 20_000},
        "500,000 keys": {"tools": {str(number): "x" for number in range(500_000)}},
        "nested": {"messages": [nested] * 100},
        "20 MB of text": {"messages": [{"role": "user", "content": "Was ist das? " * 1_600_000}]},
        "20 MB of Chinese": {"input": "字" * 7_000_000},
        "many long texts": {"input": ["字句" * 5_000] * 2_000},
        "a million token ids": {"input": list(range(1_000_000))},
        "many lists of token ids": {"input": [[1, 2, 3]] * 100_000},
        "20 MB of a file of text": {
            "messages": [
                {"content": [{"type": "file", "file": {"file_data": f"data:text/plain;base64,{'QUJD' * 5_000_000}"}}]}
            ]
        },
        "many pictures in what tools gave": {
            "contents": [{"parts": [{"functionResponse": {"name": "f", "response": {"shown": [picture] * 1_000}}}]}]
            * 1_000
        },
        "many data URLs": {"input": [f"data:image/png;base64,{'QUJD' * 10_000}"] * 10_000},
        "many files of text": {"messages": [{"content": [{"type": "document", "source": page}] * 1_000}] * 1_000},
        "20 MB of base64": {
            "messages": [{"content": [{"type": "input_audio", "input_audio": {"data": "A" * 20_000_000}}]}]
        },
    }


def best_us(call: Callable[[], object], times: int) -> float:
    """Microseconds of the quickest of several rounds, so that a busy machine does not count."""
    return min(timeit.repeat(call, number=times, repeat=7)) / times * 1e6


def errors(counted: list[tuple[str, str, int]], estimate: Callable[[str], int]) -> dict[str, list[float]]:
    """Relative errors by kind."""
    by_kind: dict[str, list[float]] = {}
    for kind, text, tokens in counted:
        by_kind.setdefault(kind, []).append(abs(estimate(text) - tokens) / tokens)
    return by_kind


def spread(found: list[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    return statistics.median(found), statistics.quantiles(found, n=20)[-1]


def main() -> int:
    """Print the tables."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm.litellm_core_utils.default_encoding  # noqa: F401 - it tells tiktoken where its files are
    import tiktoken

    texts = list(corpus(random.Random(1)))
    missed = False
    for name in ("o200k_base", "cl100k_base"):
        encoding = tiktoken.get_encoding(name)
        counted = [(kind, text, len(encoding.encode_ordinary(text))) for kind, text in texts]
        print(f"{name}: error, median and 95th percentile")
        for label, estimate in (
            ("four bytes", lambda text: -(-len(text.encode()) // 4)),
            ("estimate", estimate_tokens),
        ):
            by_kind = errors(counted, estimate)
            median, p95 = spread([error for found in by_kind.values() for error in found])
            print(f"  {label:24}{median:7.1%}{p95:7.1%}")
        for kind, found in by_kind.items():
            print("    {:22}{:7.1%}{:7.1%}".format(kind, *spread(found)))
        if name == "o200k_base":
            missed = median > AIM_MEDIAN or p95 > AIM_P95
    prose = next(text for kind, text in texts if kind == "prose" and len(text) == SIZES[-1])[:4_000]
    took_us = best_us(lambda: estimate_tokens(prose), 500)
    print(f"a prompt of {estimate_tokens(prose):,} tokens: {took_us:.1f} us")
    missed = missed or took_us > AIM_US
    for name, body in bodies().items():
        took_us = best_us(lambda body=body: Content(body), 3)  # type: ignore[misc]
        print(f"  {name:28}{took_us:8.1f} us {Content(body).tokens:14,} tokens")
        missed = missed or took_us > AIM_WORST_US
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
