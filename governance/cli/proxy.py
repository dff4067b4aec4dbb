"""Verbs that start a proxy: serve, demo."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from governance.cli.port import listens_on, refuse_taken
from governance.cli.terminal import CANNOT_RUN, PolicyOption, clear_errors
from governance.model.errors import GovernanceError, PolicyError, Problem

_STARTUP_HOOKS = "LITELLM_WORKER_STARTUP_HOOKS"
_CALLBACK = "governance.proxy.callback.handler"
_METRICS = "PROMETHEUS_MULTIPROC_DIR"
_INSTALL = "governance.proxy.install:install"
# Read by LiteLLM's command (proxy_cli.py) and passed to uvicorn, which kills workers that do not answer for so long.
# Its own 5 s are too short for importing LiteLLM on a slow machine: workers are killed while they start, for ever.
_ANSWERS_WITHIN = "TIMEOUT_WORKER_HEALTHCHECK"
_ANSWERS_WITHIN_S = "60"


def serve(
    context: typer.Context,
    config: Annotated[Path, typer.Option("--config", "-c", help="the proxy's file")] = Path("config/litellm.yaml"),
    policy: PolicyOption = None,
) -> None:
    """Run the LiteLLM proxy with governance wired in. Every other option is passed on to `litellm`."""
    _require_litellm()
    from governance.engine.host import Host
    from governance.policy.database import missing_client
    from governance.policy.litellm_file import read_config

    with clear_errors():
        if not os.path.lexists(config):
            raise PolicyError([Problem(str(config), 0, 0, "", "does not exist; name the proxy's file with --config")])
        settings = read_config(config)
        path = _policy_of(config) if policy is None else policy
        Host.load(path)
    try:
        missing = missing_client(settings, os.environ)
        if missing:
            raise GovernanceError(f"{config}: {missing}")
        listening = listens_on(context.args, os.environ)
        if listening:
            refuse_taken(*listening, f"governance serve --config {config}")
    except GovernanceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(CANNOT_RUN) from None
    os.environ["GOVERNANCE_POLICY"] = str(path.resolve())
    if not _names_callback(config):
        _install_at_start()
    if _several(context.args):
        _share_metrics()
        os.environ.setdefault(_ANSWERS_WITHIN, _ANSWERS_WITHIN_S)
    start = "from litellm import run_server; run_server()"
    os.execv(sys.executable, [sys.executable, "-c", start, "--config", str(config), *context.args])  # noqa: S606


def _names_callback(config: Path) -> bool:
    from governance.policy.litellm_file import read_section

    callbacks = read_section(config, "litellm_settings").get("callbacks")
    return _CALLBACK in (callbacks if isinstance(callbacks, list) else [callbacks])


def _install_at_start() -> None:
    hooks = [hook for hook in os.environ.get(_STARTUP_HOOKS, "").split(",") if hook]
    os.environ[_STARTUP_HOOKS] = ",".join(dict.fromkeys([*hooks, _INSTALL]))


def _several(options: list[str]) -> bool:
    return os.environ.get("NUM_WORKERS", "1") != "1" or any(option.startswith("--num_workers") for option in options)


def _share_metrics() -> None:
    """Several workers add up their metrics through a folder that must be there before the first of them starts."""
    if not os.environ.get(_METRICS):
        os.environ[_METRICS] = tempfile.mkdtemp(prefix="governance-metrics-")


def demo(port: Annotated[int, typer.Option(help="port of the proxy", min=1, max=65535)] = 4000) -> None:
    """Run a governed proxy in front of built-in fake providers: no keys, no servers, loopback only."""
    _require_litellm()
    import signal

    from governance.demo.run import run_demo

    # Ended by a supervisor, the demo takes its processes along as it does on Ctrl-C. A shell that starts it in the
    # background has SIGINT ignored, which Python then leaves as it is.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        refuse_taken("127.0.0.1", port, "governance demo")
        run_demo(port, sys.stdout)
    except KeyboardInterrupt:
        typer.echo("\nended")
    except GovernanceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(CANNOT_RUN) from None


def _policy_of(config: Path) -> Path:
    """The policy that a proxy with this configuration would read by itself (governance/proxy/start.py)."""
    from governance.policy.litellm_file import read_section

    if os.environ.get("GOVERNANCE_POLICY"):
        return Path(os.environ["GOVERNANCE_POLICY"])
    settings = read_section(config, "callback_settings").get("governance")
    named = settings.get("policy") if isinstance(settings, dict) else None
    return config.parent / str(named or "governance.yaml")


def _require_litellm() -> None:
    from importlib.util import find_spec

    if find_spec("litellm") is None or find_spec("fastapi") is None:
        typer.echo("the LiteLLM proxy is not installed here; pip install 'litellm-governance[proxy]'", err=True)
        raise typer.Exit(CANNOT_RUN)
