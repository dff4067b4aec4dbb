"""How long a backtest takes: `python -m tests.bench.backtest [REQUESTS]`.

Made-up traffic of 1,000 teams under 20 limits, as files of a trace; the candidate has one limit lower, which one
team in a hundred meets. Prints seconds and the largest memory for each size; single runs, so orders of magnitude.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from governance.backtest.files import Traffic
from governance.backtest.parallel import cores
from governance.backtest.run import backtest
from governance.engine.host import Host
from governance.policy import Policy
from governance.traffic import Asked, Hop, Size, Told, TraceLine, Used, Who, encoded
from governance.traffic.files import given, write_lines
from tests.backtest.workload import CATALOG, NOON_US

TEAMS = 1_000
SIZES = (100_000, 1_000_000)
PER_FILE = 250_000

PROFILE = """
version: 1
routing_profiles:
- name: Fast
  virtual_provider: fast
  targets:
  - {provider: openai, model: gpt-4o-mini, priority: 1}
  - {provider: openai, model: gpt-4o, priority: 2}
rate_limits:
- {name: each team, subject: {team: "*"}, requests: PACE/minute}
- {name: each team tokens, subject: {team: "*"}, tokens: 500M/hour}
"""


def policy(pace: int) -> Policy:
    """20 limits: two of each team, and 18 of single teams; nobody meets those."""
    single = "".join(f"- {{name: of {i}, subject: {{team: t{i}}}, requests: 1M/hour}}\n" for i in range(18))
    return Host.parse(PROFILE.replace("PACE", str(pace)) + single).policy


def lines(count: int, revision: str, seed: int = 1) -> Iterator[TraceLine]:
    """Traffic of an hour and more, in the order of its arrival: about one request a second of each busy team."""
    drawn = random.Random(seed)
    at_us = NOON_US
    step = max(1, round(3_600_000_000 * count / 1_000_000 / count))
    busy = [f"t{i}" for i in range(0, TEAMS, 100)]
    told = Told(revision, "route", target="openai/gpt-4o-mini", profile="Fast")
    sizes = [Size(drawn.randint(10, 900), drawn.choice((None, 256, 1024))) for _ in range(5_000)]
    who = {
        f"t{i}": Who(key=f"{i:064x}", key_name=f"key {i}", team=f"t{i}", team_name=f"Team {i}") for i in range(TEAMS)
    }
    for number in range(count):
        at_us += step
        team = drawn.choice(busy) if drawn.random() < 0.02 else f"t{drawn.randrange(TEAMS)}"
        size, out, took = sizes[number % 5_000], drawn.randint(5, 250), drawn.randint(100, 3_000)
        cost = round(size.prompt_tokens * 0.15 + out * 0.6)
        yield TraceLine(
            f"{number:08x}-0000-7000-8000-{number:012x}",
            at_us,
            who[team],
            Asked("fast/glm-4.7", streaming=bool(number % 2)),
            size,
            told,
            (Hop("openai/gpt-4o-mini", "ok", took_ms=took),),
            Used(size.prompt_tokens, out, 0, cost),
            took * 1000 + 200,
            "bench",
            number + 1,
        )


def written(folder: Path, count: int, revision: str) -> list[Path]:
    """Compressed files, as a worker leaves them."""
    source, found = lines(count, revision), []
    for begin in range(0, count, PER_FILE):
        some = (encoded(next(source)) for _ in range(min(PER_FILE, count - begin)))
        found.append(folder / f"{begin:09d}.jsonl.gz")
        write_lines(found[-1], some)
    return found


def main(sizes: tuple[int, ...]) -> None:
    active, candidate = policy(1_000), policy(60)
    print(f"{cores()} cores, {TEAMS} teams, 20 limits; one lowered")
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            files = [file for path in written(Path(folder), count, active.revision) for file in given(path)]
            began = time.perf_counter()
            found = backtest(active, candidate, Traffic(files), catalog=CATALOG)
            took_s = time.perf_counter() - began
        own, of_processes = (
            resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        check = found.spot_check
        print(
            f"{count:>10,} requests: {took_s:6.1f} s, {1e6 * took_s / count:5.1f} us each, "
            f"{own // 1024} MiB and {of_processes // 1024} MiB; simulated {check.simulated:,}, "
            f"checked {check.checked:,}; newly refused {found.totals.newly_refused.mid:,}"
        )


if __name__ == "__main__":
    main(tuple(int(size.replace("_", "").replace(",", "")) for size in sys.argv[1:]) or SIZES)
