"""The proxies that are compared: what each is configured with, started as copies of one import of LiteLLM."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.bench.proxy.policy import policy
from tests.e2e.conftest import SURROUNDINGS, ending, free_port, process, wait_until_ready
from tests.e2e.forked import original
from tests.ledger.servers import Server, running

MASTER = "sk-bench-master-0123456789abcdef"
PRICES = {"input_cost_per_token": 0.000003, "output_cost_per_token": 0.000015}
INSIDE = "tests.bench.proxy.inside"
GOVERNANCE = "governance.proxy.callback.handler"


class Running(NamedTuple):
    """One proxy. `model`: what is asked for in front of `/priced` and `/unpriced`; `redis`: where it counts."""

    name: str
    port: int
    pid: int
    model: str
    redis: str


class Kind(NamedTuple):
    """`rules`: None = without governance. `leaving`: what $GOVERNANCE_COLLECTOR and $GOVERNANCE_CURES say.
    `limits`: so many of other teams. `claims`: each end user and tag is counted. `parser`: h11, which comes with
    LiteLLM, or httptools, which comes with governance's extra.
    """

    name: str
    callbacks: tuple[str, ...] = ()
    rules: int | None = None
    redis: bool = False
    limited: bool = False
    leaving: str = ""
    limits: int = 0
    claims: bool = False
    parser: str = "h11"


# The first one is what the others are compared with.
KINDS = (
    Kind("bare"),
    Kind("bare, with httptools", parser="httptools"),
    Kind("a callback that does nothing", (f"{INSIDE}.nothing",)),
    Kind("LiteLLM's own limits, Redis", redis=True, limited=True),
    Kind("governance, memory, 2 rules", (GOVERNANCE,), 2, parser="httptools"),
    Kind("governance, memory, 100 rules", (GOVERNANCE,), 100, parser="httptools"),
    Kind("governance, Redis, 100 rules", (GOVERNANCE,), 100, redis=True, parser="httptools"),
    Kind("the same in memory, process as it is", (GOVERNANCE,), 100, leaving="leave"),
    Kind("the same on Redis, process as it is", (GOVERNANCE,), 100, redis=True, leaving="leave"),
)


def config(kind: Kind, upstream: int, redis: Server) -> dict[str, Any]:
    def model(name: str, **prices: float) -> dict[str, Any]:
        to = {"model": "openai/bench", "api_base": f"http://127.0.0.1:{upstream}/v1", "api_key": "not-a-key"}
        return {"model_name": name, "litellm_params": {**to, **prices}}

    general: dict[str, Any] = {
        "master_key": MASTER,
        "custom_auth": f"{INSIDE}.{'limited' if kind.limited else 'plain'}_key",
    }
    if kind.limited:
        host, _, port = redis.url.removeprefix("redis://").partition("/")[0].partition(":")
        general["coordination_redis"] = {"host": host, "port": int(port)}
    models = [model(f"p{i}/priced", **PRICES) for i in range(3)] + [model(f"p{i}/unpriced") for i in range(3)]
    callbacks = [f"{INSIDE}.watch", *kind.callbacks]
    return {"model_list": models, "general_settings": general, "litellm_settings": {"callbacks": callbacks}}


def hiding(folder: Path) -> str:
    """What a Python has in its path that is to find no httptools: uvicorn then takes h11."""
    folder.mkdir()
    (folder / "httptools.py").write_text("raise ImportError('hidden')\n", "utf-8")
    return str(folder)


def configured(kind: Kind, folder: Path, upstream: int, redis: Server, port: int) -> list[str]:
    """The arguments of a `litellm` of this kind, after its files are written. The policy has a folder of its own, as
    where it is mounted.
    """
    (folder / "litellm.yaml").write_text(yaml.safe_dump(config(kind, upstream, redis)), "utf-8")
    if kind.rules is not None:
        url = redis.url if kind.redis else "memory://"
        (folder / "policy").mkdir()
        (folder / "policy" / "governance.yaml").write_text(
            json.dumps(policy(kind.rules, url, kind.limits, kind.claims)), "utf-8"
        )
    return ["--host", "127.0.0.1", "--port", str(port), "--config", str(folder / "litellm.yaml")]


def surroundings(kind: Kind, folder: Path) -> dict[str, str]:
    """Its environment."""
    hidden = {} if kind.parser == "httptools" else {"PYTHONPATH": hiding(folder / "hidden")}
    policy_file = {} if kind.rules is None else {"GOVERNANCE_POLICY": str(folder / "policy" / "governance.yaml")}
    return {"GOVERNANCE_COLLECTOR": kind.leaving, "GOVERNANCE_CURES": kind.leaving, **hidden, **policy_file}


@contextlib.contextmanager
def started(folder: Path, kinds: tuple[Kind, ...] = KINDS) -> Iterator[list[Running]]:
    """All of them, ready to be asked."""
    if find_spec("httptools") is None:
        raise SystemExit("httptools is not installed, and its proxies would run without it; run `make install`")
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(running())
        upstream = free_port()
        command = [sys.executable, "-m", "tests.bench.proxy.upstream", str(upstream)]
        stack.enter_context(process(command, folder / "upstream.txt"))
        imported = {
            parser: stack.enter_context(original(folder / f"{parser}.txt", SURROUNDINGS | environment))
            for parser, environment in {"httptools": {}, "h11": {"PYTHONPATH": hiding(folder / "hidden")}}.items()
        }
        proxies = []
        for number, kind in enumerate(kinds):
            here, port = folder / str(number), free_port()
            here.mkdir()
            arguments = configured(kind, here, upstream, redis, port)
            forked = imported[kind.parser].copy(arguments, here / "output.txt", surroundings(kind, here))
            copy = stack.enter_context(ending(forked, here / "output.txt"))
            wait_until_ready(f"http://127.0.0.1:{port}/health/liveliness", copy, here / "output.txt")
            model = "p0" if kind.rules is None else "fast"
            proxies.append(Running(kind.name, port, copy.pid, model, redis.url if kind.redis else ""))
        yield proxies
