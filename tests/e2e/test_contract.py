"""A LiteLLM that is not as governance relies on: refused at start in one sentence, or served and told in health."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from governance.proxy.contract.versions import TESTED
from tests import patience
from tests.e2e.forked import Original

PROFILE = (
    "routing_profiles:\n  - {name: A, virtual_provider: fast, targets: [{provider: cerebras}, {provider: openai}]}\n"
)

# Each stands beside the proxy's configuration and changes LiteLLM before governance is loaded.
NO_REQUEST_IN_FILTER = """
from litellm.integrations.custom_logger import CustomLogger

def without_request(cls, **kwargs):
    filter_deployments = cls.__dict__.get("async_filter_deployments")
    if filter_deployments:
        async def told_less(self, model, healthy_deployments, messages, request_kwargs=None, parent_otel_span=None):
            return await filter_deployments(self, model, healthy_deployments, messages, None, parent_otel_span)
        cls.async_filter_deployments = told_less

CustomLogger.__init_subclass__ = classmethod(without_request)
"""
NO_PRE_CALL_HOOK = """
from litellm.proxy.utils import ProxyLogging

async def uncalled(self, user_api_key_dict, data, call_type, **kwargs):
    return data

ProxyLogging.pre_call_hook = uncalled
"""
NO_FALLBACK_CHECK = """
from litellm.proxy.auth.fallback_budget import RouterFallbackBudgetCheck
from litellm.router import Router

made = Router.__init__

def unchecked(self, *args, **kwargs):
    made(self, *args, **{k: v for k, v in kwargs.items() if k != "fallback_budget_check"})

Router.__init__ = unchecked
"""
NO_USAGE = """
import litellm
from litellm.integrations.custom_logger import CustomLogger

def without_usage(cls, **kwargs):
    told = cls.__dict__.get("async_log_success_event")
    if told:
        async def told_less(self, kwargs, response_obj, start_time, end_time):
            return await told(self, kwargs, None, start_time, end_time)
        cls.async_log_success_event = told_less

CustomLogger.__init_subclass__ = classmethod(without_usage)
"""
NO_ID = """
from litellm.integrations.custom_logger import CustomLogger

def without_ids(cls, **kwargs):
    asked = cls.__dict__.get("async_pre_call_deployment_hook")
    if asked:
        async def asked_less(self, kwargs, call_type):
            kwargs = {key: value for key, value in kwargs.items() if key != "model_info"}
            for bucket in ("metadata", "litellm_metadata"):
                kwargs[bucket] = {k: v for k, v in (kwargs.get(bucket) or {}).items() if k != "model_info"}
            return await asked(self, kwargs, call_type)
        cls.async_pre_call_deployment_hook = asked_less

CustomLogger.__init_subclass__ = classmethod(without_ids)
"""
NO_LOG = """
from litellm.litellm_core_utils.litellm_logging import Logging

told = Logging.should_run_callback

def untold(self, callback, litellm_params, event_hook):
    return litellm_params.get("no-log") is not True and told(self, callback, litellm_params, event_hook)

Logging.should_run_callback = untold
"""
OWN_BYTES = """
import httpx

async def text(self, chunk_size=None):
    yield b"".join([chunk async for chunk in self.aiter_raw()]).decode()

async def lines(self):
    async for found in text(self):
        for line in found.splitlines():
            yield line

httpx.Response.aiter_text = text
httpx.Response.aiter_lines = lines
"""
OTHER_IDS = """
from litellm.responses.utils import ResponsesAPIRequestUtils

def as_it_is(response_id):
    return {"response_id": response_id}

ResponsesAPIRequestUtils.decode_responses_api_response_id = staticmethod(as_it_is)
"""
WITHOUT_A_CLASS = """
import litellm.proxy.auth.fallback_budget as fallback_budget

del fallback_budget.RouterFallbackBudgetCheck
"""
NOTHING = ""


@pytest.fixture
def folder(tmp_path: Path):
    def made(change: str, policy: str = "", callback: str = "changed.changed") -> Path:
        config = {
            "model_list": [
                {"model_name": f"{name}/*", "litellm_params": {"model": f"{name}/*", "api_key": "x"}}
                for name in ("cerebras", "openai")
            ],
            "litellm_settings": {"callbacks": [callback, "governance.proxy.callback.handler"]},
            "general_settings": {"master_key": "sk-end-to-end-tests-only"},
        }
        (tmp_path / "litellm.yaml").write_text(yaml.safe_dump(config), "utf-8")
        (tmp_path / "governance.yaml").write_text(f"version: 1\n{PROFILE}{policy}", "utf-8")
        callback_module = "from litellm.integrations.custom_logger import CustomLogger\nchanged = CustomLogger()\n"
        (tmp_path / "changed.py").write_text(callback_module + change, "utf-8")
        return tmp_path

    return made


def options(folder: Path, port: int, *more: str) -> list[str]:
    return ["--host", "127.0.0.1", "--port", str(port), "--config", str(folder / "litellm.yaml"), *more]


def command(folder: Path, port: int, *more: str) -> list[str]:
    return [sys.executable, "-c", "from litellm import run_server; run_server()", *options(folder, port, *more)]


def sentence_of(errors: str) -> str:
    """What a proxy says last that does not start."""
    assert "Traceback" not in errors
    return errors.splitlines()[-1]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (NO_REQUEST_IN_FILTER, "the filter hook of an attempt gets nothing of the request that it belongs to"),
        (NO_PRE_CALL_HOOK, "the pre-call hook of a callback is not called"),
        (NO_FALLBACK_CHECK, "the fallback check is not asked before a hop"),
        (NO_USAGE, "an answer tells no usage"),
        (NO_ID, "the hook before an attempt is not told the id of the deployment"),
        (NO_LOG, "no success event tells of a request with no-log"),
        (OWN_BYTES, "a provider's stream is not read through httpx.Response.aiter_bytes"),
        (OTHER_IDS, "the provider's own id cannot be read from the id of a response"),
        (WITHOUT_A_CLASS, "there is no RouterFallbackBudgetCheck.__call__ in litellm.proxy.auth.fallback_budget"),
    ],
)
def test_a_litellm_that_differs_is_refused_in_one_sentence(
    folder, imported: Original, tmp_path, change: str, difference: str
) -> None:
    output = tmp_path / "output.txt"
    imported.copy(options(folder(change), 0), output, {}).wait(output)

    sentence = sentence_of(output.read_text("utf-8"))
    assert sentence.startswith("LiteLLM ")
    assert difference in sentence
    assert sentence.endswith(f"install litellm=={TESTED[-1]} (tested: {', '.join(TESTED)})")


def test_the_code_that_a_refused_proxy_ends_with_is_one_that_nobody_restarts(folder) -> None:
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}

    ended = patience.run(command(folder(NO_PRE_CALL_HOOK), 0), env=environment)

    assert ended.returncode == 3, ended.stderr[-3000:]
    assert "the pre-call hook of a callback is not called" in sentence_of(ended.stderr)


@contextlib.contextmanager
def running(folder: Path, *more: str):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    output = folder / "output.txt"
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONUNBUFFERED": "1"}
    with output.open("wb") as out:
        started = subprocess.Popen(command(folder, port, *more), stdout=out, stderr=out, env=environment)
    try:
        for _ in patience.turns(started.pid, output):
            assert started.poll() is None, patience.told(output)
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{port}/health/liveliness", timeout=5).status_code == 200:
                    break
        key = {"authorization": "Bearer sk-end-to-end-tests-only"}
        yield httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=key, timeout=patience.ANSWER_S), output
    finally:
        started.send_signal(signal.SIGTERM)
        patience.ended(started, output)


def test_where_the_policy_says_so_it_starts_and_health_tells_what_differs(folder) -> None:
    with running(folder(NO_REQUEST_IN_FILTER, "on_contract_breach: degrade\n")) as (client, output):
        health = client.get("/governance/health")
        metrics = client.get("/governance/metrics")
        status = patience.run(
            [sys.executable, "-c", "from governance.cli import main; main()", "status", "--url", str(client.base_url)],
            cwd=output.parent,
            env={**os.environ, "LITELLM_MASTER_KEY": "sk-end-to-end-tests-only", "COLUMNS": "500"},
        )

    assert health.status_code == 200
    page = health.json()
    assert page["status"] == "degraded"
    assert page["litellm"]["contract"] == "broken"
    errors = {probe["name"]: probe["error"] for probe in page["litellm"]["probes"]}
    assert "gets nothing of the request" in errors["hop_after_failure"]
    assert errors["pre_call_hook"] is None
    assert "on_contract_breach: degrade" in output.read_text()
    assert "contract broken" in status.stdout
    assert "hop_after_failure: the filter hook of an attempt gets nothing" in status.stdout
    assert 'governance_contract_probe{probe="hop_after_failure"} 0.0' in metrics.text


def test_what_is_as_expected_is_told_by_each_of_two_workers(folder) -> None:
    with running(folder(NOTHING), "--num_workers", "2") as (client, _):
        pages = []
        while len({page["worker"] for page in pages}) < 2:
            with httpx.Client(base_url=client.base_url, headers=client.headers, timeout=patience.ANSWER_S) as fresh:
                pages.append(fresh.get("/governance/health").json())

    assert {page["litellm"]["contract"] for page in pages} == {"kept"}
    assert all(probe["error"] is None for page in pages for probe in page["litellm"]["probes"])
