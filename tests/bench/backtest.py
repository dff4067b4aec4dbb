"""How long a backtest takes: `python -m tests.bench.backtest [REQUESTS …]`.

Made-up traffic of 1,000 teams under 20 limits, as files that a worker leaves; the candidate has one limit lower, which
one team in a hundred meets. Each size is asked by the command, in a process of its own, twice: the second time it finds
the columns that the first has kept. Seconds from its start to its end, those of the CPU in all its processes, and what
all of them took at once (a page that several share counts once). Single runs, so orders of magnitude.
"""

from __future__ import annotations

import heapq
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count, groupby, islice
from pathlib import Path

from governance.backtest.parallel import cores
from governance.engine.host import Host
from governance.traffic.files import COMPRESSED, LINES, hour_of, name_of, write_lines
from tests.backtest.workload import NOON_US

TEAMS = 1_000
SIZES = (100_000, 1_000_000)
PER_FILE = 64_000
STEP_US = 3_600
LOOK_EVERY_S = 0.1

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


def policy(pace: int) -> str:
    """20 limits: two of each team, and 18 of single teams; nobody meets those."""
    single = "".join(f"- {{name: of {i}, subject: {{team: t{i}}}, requests: 1M/hour}}\n" for i in range(18))
    return PROFILE.replace("PACE", str(pace)) + single


LINE = (
    b'{"v":1,"id":"%08x-0000-7000-8000-%012x","at":%d,"end":%d,"who":{"key":"%064x","key_name":"key %d","team":"t%d",'
    b'"team_name":"Team %d"},"req":{"model":"fast/glm-4.7"%b},"est":{"in":%d%b},"did":{"rev":"%b","out":"route",'
    b'"target":"openai/gpt-4o-mini","fall":["openai/gpt-4o"],"profile":"Fast","win":[{"limit":"each team","of":'
    b'"team:t%d","unit":"requests","per":"60s","most":1000,"took":1,"used":%d},{"limit":"each team tokens","of":'
    b'"team:t%d","unit":"tokens","per":"3600s","most":500000000,"took":%d,"used":%d}]},"hops":[{"to":'
    b'"openai/gpt-4o-mini","out":"ok","ms":%d}],"use":{"in":%d,"out":%d,"usd":%d},"by":"bench","no":%d,"in":'
    b'"sha256:e9c3514059ec5d6c7408b645961ab8d75098564aa72e92cfbc9c0648575611bd"}\n'
)


def lines(requests: int, revision: str, seed: int = 1) -> Iterator[tuple[int, bytes]]:
    """Traffic at 1,000,000 requests an hour: when each ended, and its line as a worker writes it, in that order."""
    drawn, at_us, under_way = random.Random(seed), NOON_US, []
    numbers = count(1)
    for number in range(requests):
        at_us += STEP_US
        team = 100 * drawn.randrange(TEAMS // 100) if drawn.random() < 0.02 else drawn.randrange(TEAMS)
        took_ms = drawn.randrange(100, 3_000)
        heapq.heappush(under_way, (at_us + 1000 * took_ms + 200, number, at_us, team, took_ms))
        while under_way[0][0] <= at_us:
            yield under_way[0][0], _line(*heapq.heappop(under_way), revision, drawn, next(numbers))
    while under_way:
        yield under_way[0][0], _line(*heapq.heappop(under_way), revision, drawn, next(numbers))


def _line(
    end_us: int, number: int, at_us: int, team: int, took_ms: int, revision: str, drawn: random.Random, written: int
) -> bytes:
    prompt, out = drawn.randrange(10, 900), drawn.randrange(5, 250)
    most = drawn.choice((b"", b',"max_out":256', b',"max_out":1024'))
    asked = (b',"stream":true' if number % 2 else b"", prompt, most, revision.encode())
    windows = (team, number % 50, team, prompt + out, 1000 + number)
    used = (took_ms, prompt, out, round(prompt * 0.15 + out * 0.6))
    return LINE % (number, number, at_us, end_us - at_us, team, team, team, team, *asked, *windows, *used, written)


def record(folder: Path, requests: int, revision: str) -> None:
    """Compressed files: a line stands in that of the hour in which its request ended."""
    for hour_us, of_hour in groupby(lines(requests, revision), key=lambda each: hour_of(each[0])):
        source = (line for _, line in of_hour)
        for segment in count(1):
            some = list(islice(source, PER_FILE))
            if not some:
                break
            write_lines(folder / name_of(hour_us, "bench", segment).replace(LINES, COMPRESSED), some)


def main(sizes: tuple[int, ...]) -> None:
    print(f"{cores()} cores, {TEAMS} teams, 20 limits; one lowered")
    for requests in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "trace").mkdir()
            for pace in (1_000, 60):
                (folder / f"{pace}.yaml").write_text(policy(pace), "utf-8")
            record(folder / "trace", requests, Host.parse(policy(1_000)).policy.revision)
            first = tell(requests, folder, "first")
            assert tell(requests, folder, "again") == first


def tell(requests: int, folder: Path, which: str) -> bytes:
    """Ask the command, and say what that took; returns the report."""
    files = ("--policy", folder / "60.yaml", "--against", folder / "1000.yaml", "--traces", folder / "trace")
    before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with (folder / "told").open("wb") as told:
        command = [Path(sys.executable).with_name("governance"), "backtest", *map(str, files), "--json"]
        asked = subprocess.Popen(command, stdout=told)
        most_kib = 0
        while asked.poll() is None:
            most_kib = max(most_kib, taken_kib(asked.pid))
            time.sleep(LOOK_EVERY_S)
    assert asked.returncode == 0
    took_s, after = time.perf_counter() - began_s, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    report = (folder / "told").read_bytes()
    found = json.loads(report)
    check, refused = found["spot_check"], found["totals"]["newly_refused"]["mid"]
    print(
        f"{requests:>10,} requests, {which}: {took_s:6.1f} s, {cpu_s:6.1f} s of CPU, at most {most_kib // 1024} "
        f"MiB; simulated {check['simulated']:,}, checked {check['checked']:,}; newly refused {refused:,}",
        flush=True,
    )
    return report


def taken_kib(pid: int) -> int:
    """What a process and all below it take of memory now."""
    try:
        of_this = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").partition("\nPss:")[2].split()[0]
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except (OSError, IndexError):  # it has just ended
        return 0
    return int(of_this) + sum(taken_kib(int(each)) for each in below)


if __name__ == "__main__":
    main(tuple(int(size.replace("_", "").replace(",", "")) for size in sys.argv[1:]) or SIZES)
