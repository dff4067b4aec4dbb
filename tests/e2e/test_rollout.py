"""Two proxies of two workers on one PostgreSQL and one Redis, under load, while two people change the policy, processes
are killed and the database stands still: everybody comes to serve by the last change, and no request by two.

`make rollout` makes more changes, and tells how long workers took.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.conftest import Proxy, key
from tests.patience import tries
from tests.postgres import Postgres

API = "/governance/api/policy"
CHANGES = int(os.environ.get("GOVERNANCE_ROLLOUT_CHANGES", "12"))
PROVIDERS = ("cerebras", "groq")
BASE = 1_000_000
TEAMS = 12


def policy(number: int, redis_url: str) -> str:
    """The policy of this number: its limit tells the number, and its target whether it is odd."""
    return yaml.safe_dump(
        {
            "version": 1,
            "policy": {"source": "database"},
            "store": {"url": "${ROLLOUT_STORE}"},
            "ledger": {"url": redis_url},
            "rate_limits": [{"name": "all", "subject": "everyone", "requests": f"{BASE + number}/minute"}],
            "routing_profiles": [
                {"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": PROVIDERS[number % 2]}]}
            ],
        }
    )


class Fleet:
    """The proxies, and what is asked of all of them."""

    def __init__(self, proxies: list[Proxy], redis_url: str) -> None:
        self.proxies, self.redis_url = proxies, redis_url

    def page(self) -> dict[str, Any]:
        for _ in tries():
            for proxy in self.proxies:
                with contextlib.suppress(httpx.TransportError):
                    answer = proxy.client.get(API)
                    if answer.status_code == 200 and answer.json()["active"]:
                        page: dict[str, Any] = answer.json()
                        return page
        raise AssertionError("no proxy tells the policy")

    def apply(self, number: int) -> None:
        """Put this one in force, however often somebody else is faster or the answer is lost."""
        mine = f"change {number}"
        body = {"policy": policy(number, self.redis_url), "comment": mine}
        for attempt, _ in enumerate(tries()):
            client = self.proxies[(number + attempt) % 2].client
            with contextlib.suppress(httpx.TransportError):
                base = client.get(API).headers.get("etag", "*")
                answer = client.post(f"{API}/apply", json=body, headers={"if-match": base})
                assert answer.status_code in (200, 412, 503), answer.text
                if answer.status_code == 200:
                    return
            if attempt and any(row["comment"] == mine for row in self.history()):
                return
        raise AssertionError(f"{mine} was never applied")

    def history(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in tries():
            with contextlib.suppress(httpx.TransportError):
                asked = {"limit": "200", **({"cursor": cursor} if cursor else {})}
                answer = self.proxies[0].client.get(f"{API}/revisions", params=asked)
                if answer.status_code == 200:
                    rows += answer.json()["revisions"]
                    cursor = answer.json()["cursor"]
                    if cursor is None:
                        return rows
        raise AssertionError("the history is not told")

    def converged(self) -> float:
        """Seconds until every worker that lives serves by the last change."""
        began = time.monotonic()
        for _ in tries():
            page = self.page()
            living = [worker for worker in page["workers"] if Path(f"/proc/{worker['id'].split('-')[-2]}").exists()]
            expected = (page["active"]["id"], page["candidate"] and page["candidate"]["id"])
            if len(living) == 4 and {(each["active_id"], each["candidate_id"]) for each in living} == {expected}:
                return time.monotonic() - began
        raise AssertionError(f"not all workers serve by it: {page['active']['id']}, {page['workers']}")

    def workers_of(self, proxy: Proxy) -> list[int]:
        told = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(proxy.pid)], capture_output=True, text=True)
        return [int(line.split()[0]) for line in told.stdout.splitlines() if "resource_tracker" not in line]

    def records(self) -> list[dict[str, Any]]:
        lines = [line for proxy in self.proxies for line in proxy.decisions.read_text("utf-8").splitlines()]
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def fleet(start: Any, postgres: Postgres, redis_url: str) -> Iterator[Fleet]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ROLLOUT_STORE", postgres.new_database())
        text = policy(0, redis_url)
        with start(text, None, "--num_workers", "2") as one, start(text, None, "--num_workers", "2") as other:
            running = Fleet([one, other], redis_url)
            running.converged()
            yield running


@contextlib.contextmanager
def load(fleet: Fleet) -> Iterator[list[int]]:
    """Requests of many teams at both proxies, without an end; how each was answered."""
    over, answers = threading.Event(), []

    def ask(number: int) -> None:
        while not over.is_set():
            who = key(team_id=f"team-{len(answers) % TEAMS}")
            with contextlib.suppress(httpx.TransportError):  # its worker was killed
                answers.append(fleet.proxies[number].chat("fast/m", key=who).status_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def send(postgres: Postgres, number: int) -> None:
    """To every process of the server: each connection has its own."""
    pids = [postgres.process.pid]
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(postgres.process.pid)], capture_output=True, text=True)
    for pid in [*pids, *map(int, told.stdout.split())]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def die_while_writing(fleet: Fleet, number: int, after: Callable[[], bool]) -> None:
    """A writer at the command line that is killed at some moment of its change; it may have made it or not."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ROLLOUT_STORE", os.environ["ROLLOUT_STORE"])
        code = (
            "import os, sys; from governance.usecases import change_policy as c; real = c.note\n"
            "def note(*a, **k):\n    real(*a, **k)\n    os.kill(os.getpid(), 9)\n"
            "c.note = note\nfrom governance.cli import main; main()\n"
        )
        folder = fleet.proxies[0].output.parent
        (folder / "mine.yaml").write_text(policy(number, fleet.redis_url), "utf-8")
        command = [sys.executable, "-c", code, "policy", "apply", "mine.yaml", "-m", f"change {number}"]
        done = subprocess.run(command, cwd=folder, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert after()


def test_everybody_comes_to_serve_by_the_last_change_and_nothing_is_lost(
    fleet: Fleet, postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    took: list[float] = []
    numbers = iter(range(1, CHANGES + 1))
    lock = threading.Lock()
    broken: list[BaseException] = []

    def write() -> None:
        try:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                fleet.apply(number)
        except BaseException as error:  # it belongs to the test
            broken.append(error)

    with load(fleet) as answers:
        writers = [threading.Thread(target=write) for _ in range(2)]
        for writer in writers:
            writer.start()
        os.kill(fleet.workers_of(fleet.proxies[0])[0], signal.SIGKILL)
        for _ in tries():
            if fleet.history()[0]["id"] > CHANGES // 2:
                break
        send(postgres, signal.SIGSTOP)
        try:
            seen = len(answers)
            for _ in tries():
                followed = fleet.proxies[1].client.get("/governance/health").json()["policy"]["followed"]
                if followed["error"] and len(answers) > seen + 10:
                    break
            assert followed["error"], "it is said that the store does not answer"
            assert len(answers) > seen, "and requests are served all the same"
        finally:
            send(postgres, signal.SIGCONT)
        took.append(fleet.converged())
        for writer in writers:
            writer.join()
        took.append(fleet.converged())
        before = fleet.history()[0]["id"]
        die_while_writing(fleet, CHANGES + 1, lambda: fleet.history()[0]["id"] == before)
        fleet.apply(CHANGES + 1)
        took.append(fleet.converged())

    assert not broken, broken
    rows = fleet.history()
    comments = [row["comment"] for row in rows if row["comment"]]
    assert sorted(comments) == sorted(f"change {number}" for number in range(1, CHANGES + 2)), "each once"
    verified = fleet.proxies[1].client.get(f"{API}/audit", params={"verify": "true"}).json()["verified"]
    assert (verified["faults"], verified["events"]) == ([], CHANGES + 2)
    assert set(answers) == {200}
    number_of = {row["hash"]: int(row["comment"].split()[-1]) if row["comment"] else 0 for row in rows}
    for record in fleet.records():
        (window,) = [each for each in record["windows"] if each["limit"] == "all"]
        number = number_of[record["policy_revision"]]
        assert window["limit_amount"] == BASE + number, "limits and routes of one policy"
        assert record["model"].split("/")[0] == PROVIDERS[number % 2]
    with capsys.disabled():
        print(f"\n{CHANGES} changes, {len(answers)} requests; converged after {[round(each, 2) for each in took]} s")


def test_a_candidate_decides_for_whole_teams_alike_in_every_worker(fleet: Fleet) -> None:
    client = fleet.proxies[0].client
    number = CHANGES + 2  # the other provider
    body = {"policy": policy(number, fleet.redis_url), "percent": 50, "shadow": 100}
    staged = client.post(f"{API}/apply", json=body, headers={"if-match": "*"})
    assert staged.status_code == 200, staged.text
    fleet.converged()
    known = {record["id"] for record in fleet.records()}

    ids = []
    for team in range(TEAMS):
        for proxy in (*fleet.proxies, *fleet.proxies):
            answer = proxy.chat("fast/m", key=key(team_id=f"team-{team}"))
            assert answer.status_code == 200
            ids.append((proxy, answer.headers["x-governance-decision-id"]))
    records = [proxy.decision(id) for proxy, id in ids]

    arms = {record["identity"]["team_id"]: record["arm"] for record in records}
    assert set(arms.values()) == {"in_force", "candidate"}
    for record in records:
        assert record["id"] not in known
        assert record["arm"] == arms[record["identity"]["team_id"]], "a team is on one policy in every worker"
        mine = number if record["arm"] == "candidate" else number - 1
        assert record["served"].split("/")[0] == PROVIDERS[mine % 2]
        if record["arm"] == "in_force":
            assert record["would"]["difference"] == "other_target"
    told = client.get(f"{API}/candidate").json()
    assert (told["verdict"], told["shadow"]["would_differ"]) == ("not_enough_data", told["shadow"]["seen"])
    assert told["arms"]["candidate"]["requests"] == sum(record["arm"] == "candidate" for record in records)

    promoted = client.post(f"{API}/promote", json={})
    assert promoted.status_code == 200, promoted.text
    fleet.converged()
    for proxy in fleet.proxies:
        answer = proxy.chat("fast/m", key=key(team_id="team-0"))
        assert answer.headers["x-governance-target"].split("/")[0] == PROVIDERS[number % 2]
        assert "arm" not in proxy.decision(answer.headers["x-governance-decision-id"])
