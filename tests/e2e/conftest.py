"""A real LiteLLM proxy process over the fake providers, on loopback."""

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import redis
import yaml

from tests.e2e.forked import Copy, Original, original
from tests.patience import ANSWER_S, told, tries, turns

HERE = Path(__file__).parent
MASTER_KEY = "sk-end-to-end-tests-only"
STOPPING_TURNS = 300
SURROUNDINGS = {"PYTHONUNBUFFERED": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}

# Whatever the model is called, the fake provider of this name answers it.
PROVIDERS = {
    "cerebras": {"api_base": "{url}/cerebras/v1"},
    "groq": {"api_base": "{url}/groq/v1"},
    "openai": {"api_base": "{url}/openai/v1"},
    "hosted_vllm": {"api_base": "{url}/hosted_vllm/v1"},
    "anthropic": {"api_base": "{url}/anthropic"},
    "gemini": {"api_base": "{url}/gemini/v1beta"},
    "cohere": {"api_base": "{url}/cohere"},
}


class Providers:
    """The fake providers: what they are told to do wrong, and what they counted."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fail(self, name: str, **fault: Any) -> None:
        httpx.post(f"{self.url}/_control", json={name: fault}, timeout=ANSWER_S).raise_for_status()

    def heal(self) -> None:
        httpx.delete(f"{self.url}/_control", timeout=ANSWER_S).raise_for_status()

    def stats(self, model: str) -> dict[str, Any]:
        counts: dict[str, dict[str, Any]] = httpx.get(f"{self.url}/_stats", timeout=ANSWER_S).json()
        return counts.get(model, {"received": 0, "ok": 0})


class Proxy:
    """A running proxy and what can be asked of it."""

    def __init__(self, url: str, decisions: Path, output: Path, pid: int) -> None:
        self.url = url
        self.pid = pid
        self.decisions = decisions
        self.output = output
        self.client = httpx.Client(base_url=url, timeout=ANSWER_S, headers={"authorization": f"Bearer {MASTER_KEY}"})

    def chat(self, model: str, text: str = "Hello", key: str = MASTER_KEY, **body: Any) -> httpx.Response:
        request = {"model": model, "messages": [{"role": "user", "content": text}], **body}
        return self.client.post("/v1/chat/completions", json=request, headers={"authorization": f"Bearer {key}"})

    def used(self, virtual: str, target: str) -> dict[str, int]:
        """What the windows of `target` have counted, by unit, before a request to `virtual` that asks for it."""
        record = self.decision(self.chat(virtual).headers["x-governance-decision-id"])
        return {w["unit"]: w["used_before"] for w in record["windows"] if w["subject"] == f"target:{target}".lower()}

    def settles(self, virtual: str, target: str, expected: dict[str, int]) -> None:
        """Wait until the windows of `target` have counted just this. Asking counts too, and is taken off again."""
        tokens = 0
        for asked, _ in enumerate(tries()):
            record = self.decision(self.chat(virtual).headers["x-governance-decision-id"])
            windows = [w for w in record["windows"] if w["subject"] == f"target:{target}".lower()]
            found = {w["unit"]: w["used_before"] for w in windows}
            found |= {"requests": found["requests"] - asked, "tokens": found["tokens"] - tokens}
            found = {unit: used for unit, used in found.items() if unit in expected}
            if found == expected:
                return
            tokens += record["usage"]["input_tokens"] + record["usage"]["output_tokens"]
        assert found == expected

    def told_of(self, model: str) -> dict[str, Any]:
        """The record of the request that has asked for this model and was answered, as soon as it is told."""
        for _ in turns(self.pid, self.decisions):
            for line in self.decisions.read_text("utf-8").splitlines() if self.decisions.exists() else ():
                with contextlib.suppress(ValueError):
                    record: dict[str, Any] = json.loads(line)
                    if record["request"]["model"] == model and record["usage"]:
                        return record
        raise AssertionError(f"no answered request for {model} was told")

    def decision(self, decision_id: str) -> dict[str, Any]:
        """The record of a request, as soon as it is told."""
        for _ in turns(self.pid, self.decisions):
            for line in self.decisions.read_text("utf-8").splitlines() if self.decisions.exists() else ():
                with contextlib.suppress(ValueError):
                    record: dict[str, Any] = json.loads(line)
                    if record["id"] == decision_id:
                        return record
        raise AssertionError(f"decision {decision_id} was never told")

    def mirror_of(self, decision_id: str) -> dict[str, Any]:
        """The record of the mirror of a request, as soon as it is told."""
        for _ in turns(self.pid, self.decisions):
            for line in self.decisions.read_text("utf-8").splitlines() if self.decisions.exists() else ():
                with contextlib.suppress(ValueError):
                    record: dict[str, Any] = json.loads(line)
                    if record.get("mirror_of") == decision_id:
                        return record
        raise AssertionError(f"the mirror of decision {decision_id} was never told")


def key(**fields: Any) -> str:
    """A key that the test proxy's auth takes for one with these fields."""
    return "sk-" + json.dumps(fields)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def process(command: list[str], output: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("wb") as out:
        started = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **SURROUNDINGS, **environment},
        )
        with ending(started, output):
            yield started


Started = TypeVar("Started", Copy, subprocess.Popen[bytes])


@contextlib.contextmanager
def ending(started: Started, output: Path) -> Iterator[Started]:
    """Ends it afterwards, by force when it does nothing more for its end."""
    try:
        yield started
    finally:
        started.terminate()
        for _ in turns(started.pid, output, still=STOPPING_TURNS):
            if started.poll() is not None:
                break
        else:
            started.kill()
            started.wait()


def wait_until_ready(url: str, started: Copy | subprocess.Popen[bytes], output: Path) -> None:
    for _ in turns(started.pid, output):
        assert started.poll() is None, f"ended while starting:\n{told(output)}"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=5).status_code == 200:
                return
    raise AssertionError(f"not ready, and nothing goes on:\n{told(output)}")


def litellm_config(providers_url: str, **more: Any) -> dict[str, Any]:
    models = [
        {
            "model_name": f"{name}/*",
            "litellm_params": {
                "model": f"{name}/*",
                "api_key": "not-a-key",
                "api_base": given["api_base"].format(url=providers_url),
            },
        }
        for name, given in PROVIDERS.items()
    ]
    return {
        "model_list": [*models, *more.pop("model_list", [])],
        "litellm_settings": {
            "callbacks": ["governance.proxy.callback.handler", "guard.guard"],
            "enable_post_custom_auth_checks": True,
            "request_timeout": 20,
            "cache": True,
            "cache_params": {"type": "local", "mode": "default_off"},
            "fallbacks": [{"groq/rerun-first": ["groq/rerun-second"]}],
        },
        "general_settings": {
            "master_key": MASTER_KEY,
            "custom_auth": "keys.user_api_key_auth",
            "custom_auth_run_common_checks": True,
            "pass_through_endpoints": [
                {"path": "/raw/chat", "target": f"{providers_url}/openai/v1/chat/completions", "auth": True}
            ],
        },
        **more,
    }


@pytest.fixture(scope="session")
def providers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Providers]:
    port, output = free_port(), tmp_path_factory.mktemp("providers") / "output.txt"
    command = [sys.executable, "-m", "governance.demo.providers", "--port", str(port)]
    with process(command, output) as started:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(f"{url}/_stats", started, output)
        yield Providers(url)


@pytest.fixture(scope="session")
def configuration(providers: Providers) -> Callable[..., dict[str, Any]]:
    """The proxy's file of these tests, with more sections or models."""
    return functools.partial(litellm_config, providers.url)


Start = Callable[..., contextlib.AbstractContextManager[Proxy]]


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Original]:
    with original(tmp_path_factory.mktemp("imported") / "output.txt", SURROUNDINGS) as waiting:
        yield waiting


@pytest.fixture(scope="session")
def start(providers: Providers, imported: Original, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Start a proxy as an operator would: policy and configuration in one folder, `litellm --config`."""

    @contextlib.contextmanager
    def run(policy: str, config: dict[str, Any] | None = None, *options: str) -> Iterator[Proxy]:
        folder = tmp_path_factory.mktemp("proxy")
        for module in ("keys.py", "guard.py", "spend_log.py", "census.py"):
            shutil.copy(HERE / module, folder)
        (folder / "governance.yaml").write_text(policy, "utf-8")
        (folder / "litellm.yaml").write_text(yaml.safe_dump(config or litellm_config(providers.url)), "utf-8")
        port, output, decisions = free_port(), folder / "output.txt", folder / "decisions.jsonl"
        arguments = ["--host", "127.0.0.1", "--port", str(port), "--config", str(folder / "litellm.yaml"), *options]
        environment = {"GOVERNANCE_DECISION_LOG": str(decisions)}
        with ending(imported.copy(arguments, output, environment), output) as started:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(f"{url}/health/liveliness", started, output)
            yield Proxy(url, decisions, output, started.pid)

    return run


@pytest.fixture(autouse=True)
def healthy_providers(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "providers" in request.fixturenames:
        request.getfixturevalue("providers").heal()


@pytest.fixture(scope="session")
def proxy(start: Start) -> Iterator[Proxy]:
    """The shared proxy, with the policy of `policy.yaml`."""
    with start((HERE / "policy.yaml").read_text("utf-8")) as running:
        yield running


@pytest.fixture
def start_process(tmp_path: Path) -> Callable[[list[str]], contextlib.AbstractContextManager[str]]:
    """Run a verb of the command that starts a proxy; gives the proxy's address."""

    @contextlib.contextmanager
    def run(arguments: list[str]) -> Iterator[str]:
        port, output = free_port(), tmp_path / "output.txt"
        command = [sys.executable, "-c", "from governance.cli import main; main()", *arguments]
        local = ["--host", "127.0.0.1"] if arguments[0] == "serve" else []
        with process([*command, *local, "--port", str(port)], output) as started:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(f"{url}/health/liveliness", started, output)
            yield url

    return run


@pytest.fixture(scope="module")
def redis_url(redis_server: str) -> str:
    """A real redis-server in which nothing has been counted."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real redis-server of our own."""
    program = shutil.which("redis-server")
    assert program, "redis-server is missing; `make test` provides it, or install your system's package"
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with process([program, *options], folder / "output.txt") as started:
        for _ in turns(started.pid, folder / "output.txt"):
            assert started.poll() is None, told(folder / "output.txt")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
        else:
            raise AssertionError("redis-server does not answer")
        yield f"redis://127.0.0.1:{port}/0"
