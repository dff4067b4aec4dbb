"""How long the dearest conditions that are accepted hold the proxy: `python -m tests.bench.conditions`.

The fastest of several runs on the largest request there can be, told in empty Python calls of this machine, because
machines differ: 1 ms is 22,000 of them where one takes 45 ns. Ends with exit code 1 when one takes longer.
"""

from __future__ import annotations

import sys
import time
import timeit

from governance.expressions import Facts, compile_condition
from tests.expressions.largest import ACCEPTED, LARGEST

ALLOWED_EMPTY_CALLS = 22_000


def evaluated_s(text: str) -> float:
    """Of a new condition and new facts: what is done once must not be done while a request waits."""
    compile_condition.cache_clear()
    condition = compile_condition(text)
    facts = Facts(LARGEST, condition.reads)
    begun = time.perf_counter()
    condition.evaluate(facts)
    return time.perf_counter() - begun


def main() -> int:
    """Print each condition, dearest first."""
    empty_call_s = min(timeit.repeat(lambda: None, number=100_000, repeat=9)) / 100_000
    calls = {text: min(evaluated_s(text) for _ in range(9)) / empty_call_s for text in ACCEPTED}
    for text, count in sorted(calls.items(), key=lambda item: -item[1]):
        sys.stdout.write(f"{count:9,.0f} empty calls  {text[:60]}\n")
    return int(max(calls.values()) > ALLOWED_EMPTY_CALLS)


if __name__ == "__main__":
    sys.exit(main())
