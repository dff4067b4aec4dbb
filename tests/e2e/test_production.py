"""The processes of `deploy/compose.yaml`, by its files, on loopback: HAProxy before two proxies of two workers, with
Redis and PostgreSQL. A worker is killed, a proxy is killed, and both are restarted one after the other, all under load;
then what callers got is held against the provider's count, the ledger and what is kept of spend.

`make production` runs it, with so many requests in each part as REQUESTS says.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.docs.pages import ROOT
from tests.e2e.conftest import Providers, ending, free_port, process, wait_until_ready
from tests.e2e.forked import Copy, Original
from tests.patience import ANSWER_S, tries, turns
from tests.postgres import Postgres

pytestmark = pytest.mark.skipif("GOVERNANCE_PRODUCTION" not in os.environ, reason="make production runs it")

REQUESTS = int(os.environ.get("GOVERNANCE_PRODUCTION") or 150)
CALLERS = 4
MASTER_KEY = "sk-of-production-tests-only"
DEPLOY = ROOT / "deploy"
# Micro-dollars for a token of a prompt and of an answer, of claude-sonnet-4-5 as LiteLLM's model map has it.
PRICE = (3, 15)
TARGET = "anthropic/claude-sonnet-4-5"


class Answer(NamedTuple):
    """What a caller got. `status`: 0 where the connection broke. `usd_micros`: by the usage that it was told."""

    status: int
    usd_micros: int = 0


class Gateway:
    """HAProxy, and the two proxies behind it."""

    def __init__(self, imported: Original, folder: Path, environment: dict[str, str]) -> None:
        self._imported, self._folder, self._environment = imported, folder, environment
        self.ports = [free_port(), free_port()]
        self.proxies: list[Copy] = []
        self.url = f"http://127.0.0.1:{free_port()}"
        self.client = httpx.Client(timeout=ANSWER_S, headers={"authorization": f"Bearer {MASTER_KEY}"})

    def start(self, number: int) -> Copy:
        """The proxy of this number, as compose starts it, ready for requests."""
        state = self._folder / f"state-{number}"
        state.mkdir(exist_ok=True)
        output = self._folder / f"proxy-{number}-{time.monotonic_ns()}.txt"
        port = str(self.ports[number])
        arguments = ["--host", "127.0.0.1", "--port", port, "--num_workers", "2"]
        arguments += ["--config", str(DEPLOY / "compose" / "litellm.yaml")]
        started = self._imported.copy(arguments, output, {**self._environment, "GOVERNANCE_STATE_DIR": str(state)})
        wait_until_ready(f"http://127.0.0.1:{port}/governance/health", started, output)
        return started

    def workers(self, number: int) -> list[int]:
        pid = str(self.proxies[number].pid)
        listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", pid], capture_output=True, text=True).stdout
        return [int(line.split()[0]) for line in listed.splitlines() if "resource_tracker" not in line]

    def kill(self, number: int) -> None:
        """The whole proxy at once, as when its machine is gone."""
        for pid in (*self.workers(number), self.proxies[number].pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.proxies[number].wait()

    def restart(self, number: int) -> None:
        """As docs/deployment.md says: out of the rotation, told to end, waited for, started anew, and in again."""
        self._rotate(number, "drain")
        self.proxies[number].terminate()
        self.proxies[number].wait()
        self.proxies[number] = self.start(number)
        self._rotate(number, "ready")

    def _rotate(self, number: int, state: str) -> None:
        for backend in ("ready", "alive"):
            with socket.socket(socket.AF_UNIX) as admin:
                admin.connect(str(self._folder / "admin"))
                admin.sendall(f"set server {backend}/proxy-{number + 1} state {state}\n".encode())
                assert not admin.recv(1000).strip()

    def get(self, path: str, **query: str) -> Any:
        answer = self.client.get(f"{self.url}/governance/api/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def gateway(imported: Original, providers: Providers, postgres: Postgres, tmp_path: Path) -> Iterator[Gateway]:
    redis_port, program = free_port(), shutil.which("redis-server")
    assert program
    command = [program, DEPLOY / "redis" / "redis.conf", "--port", redis_port, "--bind", "127.0.0.1", "--dir", tmp_path]
    with contextlib.ExitStack() as running:
        running.enter_context(process([*map(str, command), "--requirepass", "hidden"], tmp_path / "redis.txt"))
        environment = {
            "LITELLM_MASTER_KEY": MASTER_KEY,
            "GOVERNANCE_POLICY": str(policy(tmp_path)),
            "LEDGER_URL": f"redis://:hidden@127.0.0.1:{redis_port}/0",
            "STORE_URL": postgres.new_database(),
            "METRICS_TOKEN_SHA256": "0" * 64,
            "OPENAI_API_KEY": "not-a-key",
            "OPENAI_BASE_URL": f"{providers.url}/openai/v1",
            "ANTHROPIC_API_KEY": "not-a-key",
            "ANTHROPIC_API_BASE": f"{providers.url}/anthropic",
            "GRACEFUL_SHUTDOWN_TIMEOUT": "45",
        }
        behind = Gateway(imported, tmp_path, environment)
        for number in (0, 1):
            behind.proxies.append(behind.start(number))
        try:
            with process(["haproxy", "-W", "-f", str(haproxy(behind, tmp_path))], tmp_path / "haproxy.txt") as started:
                wait_until_ready(f"{behind.url}/governance/health", started, tmp_path / "haproxy.txt")
                yield behind
        finally:
            for number in (0, 1):
                with ending(behind.proxies[number], tmp_path / "ended.txt"):
                    pass


def policy(folder: Path) -> Path:
    """That of compose, and a limit which counts requests."""
    text = (DEPLOY / "compose" / "governance.yaml").read_text()
    written = folder / "governance.yaml"
    written.write_text(f"{text}\nrate_limits:\n  - {{name: all, subject: everyone, requests: 1M/day}}\n")
    return written


def haproxy(behind: Gateway, folder: Path) -> Path:
    """Its configuration, at ports that are free, without the names of containers, and with a socket for its admin."""
    text = (DEPLOY / "compose" / "haproxy.cfg").read_text()
    text = re.sub(r"^resolvers containers\n(    .*\n)+", "", text, flags=re.MULTILINE)
    text = text.replace(" resolvers containers init-addr libc,none", "")
    text = text.replace("bind :4000", f"bind 127.0.0.1:{behind.url.rsplit(':', 1)[1]}")
    for number, port in enumerate(behind.ports, 1):
        text = text.replace(f"proxy-{number}:4000", f"127.0.0.1:{port}")
    text = text.replace("maxconn 20000", "maxconn 2000")  # a test may have fewer files open than a container
    assert "4000" not in text
    written = folder / "haproxy.cfg"
    written.write_text(text.replace("global\n", f"global\n    stats socket {folder}/admin level admin\n", 1))
    return written


class Load:
    """Callers that ask all the time, every second one for a stream."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self.answers: list[Answer] = []
        self._callers = [threading.Thread(target=self._ask) for _ in range(CALLERS)]

    def __enter__(self) -> Load:
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(self, *of: object) -> None:
        self._over.set()
        for caller in self._callers:
            caller.join()

    def more(self, count: int) -> None:
        """Wait until so many more were answered."""
        until = len(self.answers) + count
        for _ in turns(os.getpid()):
            if len(self.answers) >= until:
                return
        raise AssertionError(f"{len(self.answers)} of {until} were answered")

    def _ask(self) -> None:
        with httpx.Client(timeout=ANSWER_S, headers={"authorization": f"Bearer {MASTER_KEY}"}) as client:
            while not self._over.is_set():
                streamed = len(self.answers) % 2 == 1
                body = {"model": "smart/large", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
                body |= {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}
                try:
                    answer = client.post(f"{self._url}/v1/chat/completions", json=body)
                except httpx.TransportError:
                    self.answers.append(Answer(0))
                    continue
                # A stream that broke has told no usage.
                whole = answer.status_code == 200 and "completion_tokens" in answer.text
                broken = 0 if answer.status_code == 200 else answer.status_code
                self.answers.append(Answer(200, cost(answer.text)) if whole else Answer(broken))


def cost(text: str) -> int:
    tokens = [int(re.findall(rf'"{name}_tokens": ?(\d+)', text)[-1]) for name in ("prompt", "completion")]
    return sum(count * price for count, price in zip(tokens, PRICE, strict=True))


def test_nothing_is_lost_or_counted_twice(gateway: Gateway, providers: Providers) -> None:
    before = providers.stats(TARGET)["received"]
    with Load(gateway.url) as load:
        load.more(REQUESTS)
        calm = len(load.answers)
        os.kill(gateway.workers(0)[0], signal.SIGKILL)
        load.more(REQUESTS)
        gateway.kill(1)
        load.more(REQUESTS)
        gateway.proxies[1] = gateway.start(1)
        load.more(REQUESTS)
        killed = len(load.answers)
        for number in (0, 1):
            gateway.restart(number)
            load.more(REQUESTS // 2)
    answers = load.answers
    broken = [answer for answer in answers if answer.status != 200]
    answered = len(answers) - len(broken)
    received = providers.stats(TARGET)["received"] - before
    least = sum(answer.usd_micros for answer in answers)
    ledger, money, spent = settled(gateway, answered, least)
    parts = (answers[:calm], answers[calm:killed], answers[killed:])
    sent = [f"{len(part)} ({sum(answer.status != 200 for answer in part)} broke)" for part in parts]
    print(
        f"\n{len(answers)} requests were sent: {sent[0]} before anything was done, {sent[1]} while a worker and then "
        f"a proxy were killed, {sent[2]} during the rolling restart. {answered} were answered, {received} reached the "
        f"provider, {ledger} are in the ledger, {spent} in spend. {least} micro-dollars by what callers were told, "
        f"{money} in the ledger"
    )

    assert all(answer.status == 200 for answer in answers[:calm]), "nobody was killed yet"
    assert all(answer.status == 200 for answer in answers[killed:]), "a rolling restart breaks nothing"
    # What was under way in what was killed, and no more: a caller each in a worker, and in two of them.
    assert len(broken) <= 3 * CALLERS
    assert answered <= received <= len(answers), "no request reached the provider twice, and none came from nowhere"
    assert answered <= ledger <= len(answers), "each is counted, and once"
    # A worker that is killed loses its last moment of what is kept; the ledger does not.
    assert answered - 2 * CALLERS <= spent <= len(answers)
    assert money >= least


def settled(gateway: Gateway, requests: int, usd_micros: int) -> tuple[int, int, int]:
    """Requests and micro-dollars of the ledger, and requests of spend, when those of all answers are there.

    What was under way in a process that was killed is reserved until its deadline, and is in both.
    """
    for _ in tries():
        windows = gateway.get("usage", subject="everyone")["windows"]
        counted = {each["unit"]: each["used"] + each["reserved"] for each in windows}
        spent: int = gateway.get("spend", by="target")["total"]["requests"]
        if counted["requests"] >= requests and counted["usd_micros"] >= usd_micros and spent >= requests:
            break
    return counted["requests"], counted["usd_micros"], spent
