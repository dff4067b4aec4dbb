"""`governance doctor`: looks at a running installation and says what to mend."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from governance.cli.discovered import known_models
from governance.cli.running_proxy import KEY_ENV, URL, KeyEnvOption, NotAnswered, RunningProxy, UrlOption
from governance.cli.terminal import AsJson, ConfigOption, PolicyOption, clear_errors, policy_path, print_json, shown

if TYPE_CHECKING:
    from governance.engine.host import Host
    from governance.ledger.server import Server
    from governance.usecases.doctor import Facts, Finding

_COLORS: Final = {
    "broken": typer.colors.RED,
    "warning": typer.colors.YELLOW,
    "unknown": typer.colors.CYAN,
    "fine": typer.colors.GREEN,
}
_INDENT: Final = " " * 9


def doctor(
    policy: PolicyOption = None,
    config: ConfigOption = None,
    url: UrlOption = URL,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Look at the policy, a running proxy and its Redis, and say what is wrong with each and what mends it.

    Exit code 1 when something is broken. Nothing is changed.
    """
    from governance.engine.host import Host
    from governance.usecases.doctor import examine, worst

    with clear_errors(as_json):
        host = Host.load(policy_path(policy))
        found = examine(_facts(host, config, url, os.environ.get(key_env, "")))
    if as_json:
        print_json({"worst": worst(found), "findings": [finding._asdict() for finding in found]})
    else:
        _print(found)
    if worst(found) == "broken":
        raise typer.Exit(1)


def _facts(host: Host, config: Path | None, url: str, key: str) -> Facts:
    from governance.policy.litellm_file import read_catalog
    from governance.usecases.check import warnings_of
    from governance.usecases.doctor import Facts

    core = host.policy.core
    catalog = read_catalog(config, known_models(host.policy))
    return Facts(
        revision=host.policy.revision,
        source=core.policy.source,
        warnings=warnings_of(host, catalog, config, time.time()),
        health=_health(url, key),
        server=asyncio.run(_server(core.ledger.url)),
    )


def _health(url: str, key: str) -> dict[str, Any] | str:
    if not key:
        return "no admin's key is set, so that no proxy can be asked"
    try:
        # A worker that refuses requests answers 503, with the same page.
        return RunningProxy(url, key).health()
    except NotAnswered as error:
        return str(error)


async def _server(url: str) -> Server | str | None:
    from governance.ledger.server import ask_server
    from governance.model.errors import LedgerUnavailable

    if url.startswith("memory:"):
        return None
    try:
        return await ask_server(url)
    except LedgerUnavailable as error:
        return f"the ledger's Redis does not answer: {error}"


def _print(found: list[Finding]) -> None:
    for finding in found:
        typer.secho(f"{finding.level:<8} ", fg=_COLORS[finding.level], bold=True, nl=False)
        typer.echo(shown(f"{finding.part}: {finding.said}"))
        if finding.mend:
            typer.echo(f"{_INDENT}{shown(finding.mend)}")
