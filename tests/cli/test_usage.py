"""`governance usage` against a server that answers what a proxy would."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.patience import ANSWER_S, ended

ROW: dict[str, Any] = {
    "limit": "research monthly",
    "subject": "team:research",
    "unit": "usd_micros",
    "window": "month",
    "timezone": "UTC",
    "limit_amount": 500_000_000,
    "used": 401_250_000,
    "reserved": 750_000,
    "remaining": 98_000_000,
    "percent": 80.4,
    "resets_at": "2026-02-01T00:00:00.000Z",
    "mode": "enforce",
    "forecast": {"used_up_at": None, "at_reset": None, "text": "used up on 23 Jan 14:05 at this rate"},
}
TOLD: dict[str, Any] = {
    "at": "2026-01-20T12:00:00.000Z",
    "ledger": {"kind": "redis", "reachable": True, "epoch": "2026-01-01T00:00:00.000Z"},
    "windows": [
        ROW,
        {**ROW, "limit": "[bold]slots", "unit": "concurrent", "window": "in flight", "limit_amount": 20, "used": 0}
        | {"reserved": 3, "remaining": 17, "percent": 15.0, "resets_at": None, "mode": "shadow"},
        {**ROW, "limit": "per key", "subject": "end_user:\x1b[31mred\u202e", "unit": "tokens", "window": "60s"}
        | {"limit_amount": 1_000_000, "used": 1_200_000, "reserved": 0, "remaining": 0, "percent": 120.0},
    ],
    "total": 1,
    "ordered_at": None,
    "cursor": None,
}


class Server(ThreadingHTTPServer):
    """Answers every request alike, and remembers what it was asked."""

    daemon_threads = True
    status = 200
    body: Any = TOLD

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.asked_twice = threading.Event()
        super().__init__(("127.0.0.1", 0), Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["authorization"]))
        if len(self.server.asked) > 1:
            self.server.asked_twice.set()
        body = self.server.body if isinstance(self.server.body, str) else json.dumps(self.server.body)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-admin")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_window_is_a_line_of_a_table(governance, server: Server) -> None:
    ran = governance("usage", "--url", server.url)

    assert ran.exit_code == 0, ran.output
    _, budget, slots, tokens = ran.stdout.splitlines()
    for told in ("80.4 %", "research monthly", "team:research", "$401.25", "$0.75", "$500.00/month", "$98.00"):
        assert told in budget
    assert "in 11 d 12 h, " in budget
    assert "used up on 23 Jan 14:05" in budget
    assert "[bold]slots (shadow)" in slots
    assert "20 in flight" in slots
    assert "1,000,000 tokens/minute" in tokens
    assert r"\x1b[31mred\u202e" in tokens, "names come from callers and must not steer the terminal"
    assert server.asked == [("/governance/api/usage?size=50", "Bearer sk-admin")]


def test_on_a_narrow_terminal_a_window_takes_two_lines(on_terminal, server: Server) -> None:
    lines = on_terminal("usage", "--url", server.url, columns=80)

    budget = lines.index("research monthly  team:research")
    says = " ".join(" ".join(lines[budget + 1 : budget + 4]).split())
    for told in ("80.4 %", "used $401.25", "reserved $0.75", "of $500.00/month", "left $98.00", "resets in 11 d 12 h"):
        assert told in says
    assert all(len(line) <= 80 for line in lines)


def test_no_line_of_a_display_that_is_drawn_again_is_longer_than_the_terminal(on_terminal, server: Server) -> None:
    subject = f"team:{'x' * 100}"
    server.body = {**TOLD, "windows": [{**ROW, "subject": subject}]}

    lines = on_terminal("usage", "--watch", "--url", server.url, until=server.asked_twice)

    assert subject in "".join(lines)
    assert all(len(line) <= 80 for line in lines)


def test_the_filters_are_sent_and_the_answer_is_printed_for_programs(governance, server: Server) -> None:
    ran = governance("usage", "--subject", "team:research", "--limit", "a b", "--json", "--url", server.url + "/")

    assert json.loads(ran.stdout) == TOLD
    assert server.asked[0][0] == "/governance/api/usage?subject=team%3Aresearch&limit=a+b&size=50"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"windows": []}, "no window yet"),
        ({"windows": [ROW], "total": 1_235, "cursor": "x"}, "and 1,234 more"),
        ({"ledger": {"kind": "redis", "reachable": False, "epoch": None}}, "the ledger (redis) does not answer"),
    ],
)
def test_what_cannot_be_shown_is_said(governance, server: Server, told: dict[str, Any], said: str) -> None:
    server.body = {**TOLD, **told}

    assert said in governance("usage", "--url", server.url).stdout


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"error": {"message": "Invalid key sk-…"}}, "does not know this key; LITELLM_MASTER_KEY"),
        (403, {"error": {"message": "for proxy admins only"}}, "answers 403: for proxy admins only"),
        (404, {"detail": "Not Found"}, "is governance.proxy.callback.handler among its"),
        (503, {"error": {"message": "the ledger does not answer"}}, "answers 503: the ledger does not answer"),
        (200, "<html>", "answers 200 and not as a LiteLLM proxy does"),
        (200, {"something": "else"}, "of another version?"),
        (500, {"error": {"message": "x\x1b[2J"}}, r"answers 500: x\x1b[2J"),
    ],
)
def test_a_proxy_that_does_not_do_it_is_one_line_and_exit_code_3(
    governance, server: Server, status: int, body: Any, said: str
) -> None:
    server.status, server.body = status, body
    ran = governance("usage", "--url", server.url)
    for_programs = governance("usage", "--url", server.url, "--json")

    assert ran.exit_code == for_programs.exit_code == 3
    assert said in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert "sk-admin" not in ran.stderr
    assert list(json.loads(for_programs.stdout)) == ["error"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--url", "http://127.0.0.1:1"], 3, "no proxy answers at http://127.0.0.1:1"),
        (["--url", "ftp://somewhere"], 2, "write one such as http://127.0.0.1:4000"),
        (["--url", "http://host:port"], 2, "`http://host:port` is no address of a proxy"),
        (["--key-env", "NO_SUCH_KEY"], 3, "no key: set NO_SUCH_KEY"),
        (["--key-env", "BAD_KEY"], 3, "blanks or characters that no key has"),
    ],
)
def test_a_wrong_option_says_what_would_be_right(
    governance, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-admin")
    monkeypatch.setenv("BAD_KEY", "sk-a\r\nhost: elsewhere")
    ran = governance("usage", *arguments)

    assert ran.exit_code == code
    assert said in re.sub(r"[\s│]+", " ", ran.stderr)


def test_the_key_is_asked_for_on_a_terminal_and_not_shown(server: Server, folder) -> None:
    master, terminal = pty.openpty()
    command = [sys.executable, "-c", "from governance.cli import main; main()", "usage", "--url", server.url]
    environment = {k: v for k, v in os.environ.items() if k != "LITELLM_MASTER_KEY"}
    ran = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
    )
    os.close(terminal)
    said = b""
    while b"is not set): " not in said:
        said += os.read(master, 1000)
    os.write(master, b"sk-typed\n")
    while b"research monthly" not in said:
        said += os.read(master, 1000)

    assert ended(ran) == 0
    assert b"sk-typed" not in said
    assert server.asked[0][1] == "Bearer sk-typed"


def watching(server: Server, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from governance.cli import main; main()", "usage", "--watch", "--url", server.url]
    # Shells that start this in the background have SIGINT ignored.
    command[2] = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); " + command[2]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_watching_in_a_pipe_tells_page_below_page_until_it_is_ended(server: Server, folder) -> None:
    ran = watching(server)
    out = ""
    while out.count("at 2026-01-20T12:00:00.000Z\n") < 2:
        line = ran.stdout.readline()
        assert line, ran.stderr.read()
        out += line
    ran.send_signal(signal.SIGINT)
    _, err = ran.communicate(timeout=ANSWER_S)

    assert (ran.returncode, err) == (0, "")
    assert re.search(r"research monthly +team:research +\$401.25 .*at this rate", out)


def test_watching_for_programs_is_one_document_a_line(server: Server, folder) -> None:
    ran = watching(server, "--json")
    first, second = json.loads(ran.stdout.readline()), json.loads(ran.stdout.readline())
    server.status, server.body = 503, {"error": {"message": "the ledger does not answer"}}
    while "error" not in (later := json.loads(ran.stdout.readline())):
        assert later == TOLD
    ran.send_signal(signal.SIGINT)
    _, err = ran.communicate(timeout=ANSWER_S)

    assert (ran.returncode, err) == (0, "")
    assert first == second == TOLD
    assert "503: the ledger does not answer" in later["error"]["message"]
