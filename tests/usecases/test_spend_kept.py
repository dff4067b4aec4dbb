"""Sums reach the store exactly once: of a worker that lives, and of one that was killed."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

from governance.store import Store, open_store
from governance.traffic import Asked, Size, Told, TraceLine, Used, Who, encoded
from governance.traffic.alive import Alive
from governance.traffic.files import IMPORTED, name_of, write_lines
from governance.traffic.line import loaded
from governance.traffic.spent import Tally
from governance.usecases.spend_kept import Kept, add, add_up, others, take_over, tidy
from governance.usecases.traffic import export, import_file, verify

NOW = datetime(2026, 12, 2, 13, tzinfo=timezone.utc)
AT_US = int(NOW.timestamp()) * 1_000_000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/g.db", {})


def line(number: int, worker: str = "dead", usd: int = 100) -> TraceLine:
    who, told = Who(team="research"), Told("r", "route", target="a/m")
    return TraceLine(
        f"{worker}-{number}",
        AT_US + number,
        who,
        Asked("m"),
        Size(),
        told,
        used=Used(1, 1, 0, usd),
        end_us=9,
        worker=worker,
        number=number,
    )


def put(folder: Path, worker: str, numbers: range) -> None:
    folder.mkdir(exist_ok=True)
    write_lines(folder / name_of(AT_US, worker), (encoded(line(number, worker)) for number in numbers))


def total(store: Store) -> tuple[int, int]:
    with store.read() as work:
        found = work.spend.sums((), 0, 2**50)
    return sum(sums.requests for _, sums in found), sum(sums.usd_micros for _, sums in found)


def test_a_batch_of_which_nobody_knows_whether_it_was_added_is_offered_as_it_was(store: Store) -> None:
    tally = Tally()
    kept = Kept(tally, lambda: "one")
    add_up(tally, [loaded(encoded(line(n, "one"))) for n in range(1, 4)])
    first = kept.next()
    assert first is not None
    add(store, first, NOW)
    # The answer was lost, and more has come meanwhile.
    add_up(tally, [loaded(encoded(line(4, "one")))])
    assert kept.next() is first
    add(store, first, NOW)
    kept.added()
    second = kept.next(closing=True)
    assert second is not None
    add(store, second, NOW)
    kept.added()

    assert total(store) == (4, 400)
    assert kept.next() is None
    with store.read() as work:
        assert work.spend.position("one") == (4, 2, True)


def test_what_a_killed_worker_had_not_counted_is_counted_by_another_one(store: Store, tmp_path: Path) -> None:
    folder, tally = tmp_path / "trace", Tally()
    kept = Kept(tally, lambda: "dead")
    put(folder, "dead", range(1, 11))
    add_up(tally, [loaded(encoded(line(n))) for n in range(1, 7)])
    batch = kept.next()
    assert batch is not None
    add(store, batch, NOW)

    done: set[str] = set()
    assert others(folder, "me", done)
    assert take_over(store, folder, "me", done, NOW) == 4
    assert total(store) == (10, 1000)
    assert not others(folder, "me", done)
    assert take_over(store, folder, "another", set(), NOW) == 0
    assert total(store) == (10, 1000)


def test_nothing_is_taken_from_a_worker_that_lives(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "trace"
    put(folder, "alive", range(1, 4))
    alive = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom pathlib import Path\nfrom governance.traffic.alive import Alive\n"
            "sign = Alive(Path(sys.argv[1]), 'alive')\nprint('there', flush=True)\nsys.stdin.read()",
            str(folder),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert alive.stdout is not None
    assert alive.stdout.readline() == b"there\n"

    assert take_over(store, folder, "me", set(), NOW) == 0
    alive.kill()
    alive.wait()
    assert take_over(store, folder, "me", set(), NOW) == 3
    assert not list(folder.glob(".*"))


def test_a_worker_that_ends_leaves_no_sign(tmp_path: Path) -> None:
    sign = Alive(tmp_path, "one")
    assert list(tmp_path.glob(".*"))
    sign.end()

    assert not list(tmp_path.glob(".*"))


def test_traffic_of_elsewhere_is_nobodys_spend_and_there_once(store: Store, tmp_path: Path) -> None:
    folder, there = tmp_path / "trace", tmp_path / "there"
    put(there, "w", range(1, 6))
    out = tmp_path / "out.jsonl.gz"
    assert export(there, out, None, None, None).lines == 5
    for _ in range(2):
        assert import_file(out, folder).lines == 5

    assert verify(folder).told["lines"] == 5
    assert [path.name.startswith(f"2026-12-02T13.{IMPORTED}") for path in folder.iterdir()] == [True]
    assert take_over(store, folder, "me", set(), NOW) == 0
    assert export(folder, out, None, None, "sales").lines == 0
    assert export(folder, out, AT_US + 2, AT_US + 4, "research").lines == 2
    assert verify(out).faults == {}


def test_what_is_too_old_is_forgotten(store: Store) -> None:
    tally = Tally()
    add_up(tally, [loaded(encoded(line(1)))])
    batch = Kept(tally, lambda: "one").next()
    assert batch is not None
    add(store, batch, NOW)
    tidy(store, 3600, datetime(2026, 12, 2, 13, 30, tzinfo=timezone.utc))
    assert total(store) == (1, 100)
    tidy(store, 3600, datetime(2026, 12, 2, 15, tzinfo=timezone.utc))

    assert total(store) == (0, 0)
