import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import patience

TESTS = Path(__file__).parent


def test_what_prints_now_and_then_is_waited_for_and_what_stands_still_is_not() -> None:
    printing = ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 1; done"]

    assert patience.run(printing, still=50).stdout == "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
    with pytest.raises(AssertionError, match=r"stood still and was killed.*\n.*begun"):
        patience.run(["sh", "-c", "echo begun; exec sleep 1000"], still=50)


def test_what_a_descendant_computes_counts_while_it_runs_and_afterwards() -> None:
    before = patience.cpu_s(os.getpid())
    code = "import time\nwhile time.process_time() < 1: pass\nprint(flush=True)\ninput()"
    shell = ["sh", "-c", '"$0" -c "$1"; true', sys.executable, code]
    with subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        running = patience.cpu_s(os.getpid())
        child.communicate(b"\n")

    assert running - before >= 0.9
    assert patience.cpu_s(os.getpid()) - before >= 0.9


async def test_what_this_process_does_by_itself_is_waited_for() -> None:
    assert await patience.happens(asyncio.sleep(0.3, "done")) == "done"


def test_no_test_gives_a_process_a_fixed_time() -> None:
    fixed = re.compile(r"monotonic\(\) \+|\.wait_for\(|\.wait\(\d|\b(within_s|timeout)=\d{2}")
    hits = [
        f"{path.relative_to(TESTS)}:{number}: {line.strip()}"
        for path in sorted(TESTS.rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if fixed.search(line) and path.name != "test_patience.py"
    ]

    # How long a policy may take to recover, and how many replicas of Redis must have heard, are no patience of a test.
    assert [hit for hit in hits if "Recovery(" not in hit and "client().wait(" not in hit] == []
