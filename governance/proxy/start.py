"""How governance begins and ends with the proxy: which policy, what this LiteLLM offers, how to refuse to start."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import litellm
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy import proxy_server
from litellm.proxy.auth import auth_checks, model_checks
from litellm.router import Router

from governance.ledger import split_counts
from governance.model.errors import GovernanceError
from governance.policy import Policy
from governance.policy.double_limits import adjusted_when_settled

log = logging.getLogger("governance.proxy")

OLDEST = (1, 100)
KNOWN_BAD = ("1.82.7", "1.82.8")
T = TypeVar("T")


def read_policy(use: Callable[[Path], T]) -> T:
    """Find this proxy's policy and use it; with a policy or a LiteLLM that will not do, the worker ends."""
    try:
        check_version(version("litellm"))
        return use(policy_file())
    except GovernanceError as error:
        _refuse_to_start(error)


def policy_file() -> Path:
    """$GOVERNANCE_POLICY, else what the proxy's configuration names in `callback_settings: {governance: {policy: …}}`,
    else `governance.yaml` beside that configuration.
    """
    if os.environ.get("GOVERNANCE_POLICY"):
        return Path(os.environ["GOVERNANCE_POLICY"])
    config = proxy_server.user_config_file_path
    folder = Path(config).parent if config else Path()
    settings = (litellm.callback_settings or {}).get("governance")
    named = settings.get("policy") if isinstance(settings, dict) else None
    return folder / str(named or "governance.yaml")


def check_version(installed: str) -> None:
    """Refuse a LiteLLM that is known to be bad or too old.

    Raises:
        GovernanceError: says which one is installed and which would do.
    """
    if installed in KNOWN_BAD:
        raise GovernanceError(f"LiteLLM {installed} is known to be bad; install another version")
    parts = tuple(int(part) for part in installed.split(".")[:2] if part.isdigit())
    if parts < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise GovernanceError(f"LiteLLM {installed} is too old; governance needs {needed} or newer")


def missing_features() -> Iterator[str]:
    """What governance would use of LiteLLM and this version lacks, each with what that means."""
    hooks = {
        "async_filter_deployments": "limits are not enforced for fallbacks",
        "async_pre_call_deployment_hook": "attempts are not counted",
        "async_post_call_failure_deployment_hook": "failed attempts do not cool targets down",
        "async_post_call_response_headers_hook": "answers carry no governance headers",
        "async_filter_listed_models": "keys of the policy see models in /v1/models that they may not use",
    }
    for hook, loss in hooks.items():
        if not hasattr(CustomLogger, hook):
            yield f"{hook}: {loss}"
    if not hasattr(auth_checks, "can_key_call_resolved_model"):
        yield "can_key_call_resolved_model: `grant: targets` allows no target"
    if not hasattr(model_checks, "get_known_models_from_wildcard"):
        yield "get_known_models_from_wildcard: keys that list `fast/*` do not see the virtual models in /v1/models"
    if "num_retries" not in inspect.signature(litellm.exceptions.RateLimitError.__init__).parameters:
        yield "RateLimitError(num_retries): a full fallback is retried before the next one"
    if not hasattr(Router, "get_model_names"):
        yield "Router.get_model_names: virtual models are not in /v1/models"
    if not hasattr(proxy_server, "proxy_shutdown_event"):
        yield "proxy_shutdown_event: reservations of a stopped proxy end by their deadline"


def report(policy: Policy) -> None:
    """Say what was started, and what this LiteLLM or this ledger cannot do."""
    log.info("policy %s, %s; plugins: %s", policy.source, policy.revision, ", ".join(policy.order) or "none")
    for missing in missing_features():
        log.warning("LiteLLM %s lacks %s", version("litellm"), missing)
    split = split_counts(policy.core.ledger.url, workers())
    if split:
        log.error("%s", split)


async def report_costs(policy: Policy) -> None:
    """Say what changes the costs that budgets keep. LiteLLM reads its settings while the callback is imported; what
    runs in its loop comes after that.
    """
    for name in ("cost_discount_config", "cost_margin_config"):
        if "budgets" in policy.order and getattr(litellm, name, None):
            log.warning("litellm_settings.%s: %s", name, adjusted_when_settled(name))


def end_with_proxy(close: Callable[[], Awaitable[None]]) -> None:
    """Have `close` awaited when the proxy shuts down. LiteLLM offers no hook for that; it looks this function up by
    name at the end of its lifespan (proxy_server.py, proxy_startup_event).
    """
    shut_down = getattr(proxy_server, "proxy_shutdown_event", None)
    if shut_down is None:
        return

    async def close_then_shut_down(*args: Any, **kwargs: Any) -> Any:
        try:
            await close()
        except Exception:  # the proxy's own shutdown must run whatever happens here
            log.exception("governance did not close cleanly")
        return await shut_down(*args, **kwargs)

    proxy_server.proxy_shutdown_event = close_then_shut_down


def _refuse_to_start(error: GovernanceError) -> NoReturn:
    """End this worker with the mistakes and nothing else on stderr; outside a proxy, raise them.

    Exit code 3 is how a worker tells uvicorn and gunicorn that starting it again will not help.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise error from None
    sys.stdout.flush()
    sys.stderr.write(f"governance: the proxy does not start, because it cannot be governed:\n{error}\n")
    sys.stderr.flush()
    os._exit(3)


def workers() -> int:
    """How many processes serve this proxy."""
    # LiteLLM's command tells its workers how many they are (proxy_cli.py).
    told = os.environ.get("NUM_WORKERS", "1")
    return int(told) if told.isdigit() else 1
