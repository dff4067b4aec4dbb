"""Runs the demo: fake providers, a real LiteLLM proxy in front of them, and a word on what to try."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from governance.demo.files import config_file
from governance.demo.tour import tour
from governance.model.errors import GovernanceError
from governance.telemetry.decisions import TEXT_PREFIX

_SAY_EVERY_S = 30.0
_STOP_WITHIN_S = 10.0


def run_demo(port: int, out: TextIO) -> None:
    """Run until interrupted.

    Raises:
        GovernanceError: a process does not start.
    """
    with contextlib.ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="governance-demo-")))
        out.write("starting fake providers and a LiteLLM proxy, about ten seconds …\n")
        out.flush()
        providers = running.enter_context(
            _process([sys.executable, "-m", "governance.demo.providers", "--port", "0"], {})
        )
        providers_url = _announced(providers)
        # New each time: a page that a browser has open may ask loopback too, and must not know it.
        key = f"sk-demo-{secrets.token_hex(16)}"
        proxy = running.enter_context(_process(_proxy_command(port), _proxy_environment(providers_url, key)))
        log = folder / "litellm.log"
        threading.Thread(target=_copy, args=(proxy, out, log), daemon=True).start()
        _wait_until_ready(f"http://127.0.0.1:{port}/health/liveliness", proxy, log)
        out.write(tour(f"http://127.0.0.1:{port}", providers_url, config_file("demo.yaml"), key))
        out.flush()
        proxy.wait()
        raise GovernanceError(f"the proxy has ended:\n{_tail(log)}")


def _proxy_command(port: int) -> list[str]:
    start = "from litellm import run_server; run_server()"
    config = str(config_file("demo.litellm.yaml"))
    return [sys.executable, "-c", start, "--config", config, "--host", "127.0.0.1", "--port", str(port)]


def _proxy_environment(providers_url: str, key: str) -> dict[str, str]:
    return {
        "DEMO_CEREBRAS_URL": f"{providers_url}/cerebras/v1",
        "DEMO_OPENAI_URL": f"{providers_url}/openai/v1",
        "DEMO_ANTHROPIC_URL": f"{providers_url}/anthropic",
        "GOVERNANCE_POLICY": str(config_file("demo.yaml")),
        "GOVERNANCE_DECISION_LOG": "text",
        "LITELLM_MASTER_KEY": key,
        # Neither the price list nor a new version is fetched: the demo needs no network.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PYTHONUNBUFFERED": "1",
    }


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # Ctrl-C is ours to handle, so that the children end after the proxy has said goodbye.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _announced(providers: subprocess.Popen[str]) -> str:
    lines = _lines(providers)
    line = next(lines, "")
    if not line.startswith("listening on "):
        raise GovernanceError(f"the fake providers do not start:\n{line}{''.join(lines)}")
    return line.removeprefix("listening on ").strip()


def _copy(process: subprocess.Popen[str], out: TextIO, log: Path) -> None:
    with log.open("w", encoding="utf-8") as file:
        for line in _lines(process):
            if line.startswith(TEXT_PREFIX):
                out.write(f"{time.strftime('%H:%M:%S')}  {line.removeprefix(TEXT_PREFIX)}")
                out.flush()
            else:
                file.write(line)
                file.flush()


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    return iter(process.stdout or ())


def _wait_until_ready(url: str, proxy: subprocess.Popen[str], log: Path) -> None:
    said_at_s = time.monotonic()
    while True:
        if proxy.poll() is not None:
            raise GovernanceError(f"the proxy does not start:\n{_tail(log)}")
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback URL
            return
        if time.monotonic() - said_at_s > _SAY_EVERY_S:
            said_at_s = time.monotonic()
            sys.stderr.write("still starting; LiteLLM takes long on a busy machine …\n")
        time.sleep(0.2)


def _tail(log: Path) -> str:
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    return "\n".join(lines[-30:])
