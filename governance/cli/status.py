"""`governance status`: policy, plugins, ledger, discovery and proxy at one glance."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from governance.cli.running_proxy import KEY_ENV, URL, NotAnswered, RunningProxy, UrlOption
from governance.cli.table import Table
from governance.cli.terminal import (
    AsJson,
    ConfigOption,
    PolicyOption,
    clear_errors,
    policy_path,
    print_json,
    show,
    shown,
)

if TYPE_CHECKING:
    from governance.policy import Policy

_TIMEOUT_S: Final = 3.0
_ANSWERS: Final = ("answers", "green")


def status(
    policy: PolicyOption = None, config: ConfigOption = None, url: UrlOption = URL, as_json: AsJson = False
) -> None:
    """Show which policy there is, whether its ledger and a proxy answer, and what discovery has read.

    Exit code 1 when the policy has mistakes or its ledger does not answer; a proxy need not run.
    """
    from governance.cli.catalog_settings import given_policy

    with clear_errors(as_json):
        path = policy_path(policy)
        used = given_policy(policy)
        told = {
            "policy": used and {"file": str(path), "revision": used.revision, "plugins": list(used.order)},
            "ledger": used and asyncio.run(_ledger(used)),
            "discovery": _discovery(used, config, frozenset(_named(used))),
            "overlay": used and _overlay(path),
            "proxy": _proxy(url),
        }
    if as_json:
        print_json(told)
    else:
        _print(told)
    if told["ledger"] and not told["ledger"]["reachable"]:
        raise typer.Exit(1)


async def _ledger(policy: Policy) -> dict[str, Any]:
    ledger = policy.core.ledger.open()
    try:
        health = await ledger.health()
        return {"kind": health.kind, "reachable": health.reachable}
    finally:
        await ledger.close()


def _overlay(path: Path) -> dict[str, Any]:
    """What is in force beside the policy, or why nobody can tell."""
    from governance.cli.overlay_kept import OfPolicy
    from governance.model.errors import GovernanceError

    try:
        return {**OfPolicy(path).listed(), "error": None}
    except GovernanceError as error:
        return {"entries": [], "error": str(error)}


def _named(policy: Policy | None) -> Iterator[str]:
    """Every provider that a section of the policy may mean: what stands there alone or before a slash."""

    def words(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value.partition("/")[0].strip().lower()
        elif isinstance(value, dict):
            for each in (*value, *value.values()):
                yield from words(each)
        elif isinstance(value, (list, tuple, set, frozenset)):
            for each in value:
                yield from words(each)

    for section in policy.sections.values() if policy else ():
        yield from words(section.model_dump())


def _discovery(policy: Policy | None, config: Path | None, named: frozenset[str]) -> dict[str, Any]:
    from governance.cli.catalog_settings import settings_of, shown_address
    from governance.cli.discovered import Discovered
    from governance.policy.litellm_file import read_deployments

    settings = settings_of(policy)
    kept = Discovered(policy)
    state = kept.state
    rows = []
    for source in settings.sources(os.environ, read_deployments(config), state.docs_urls):
        listed = state.of(source)
        rows.append(
            {
                "provider": source.name,
                "in_use": source.in_use or source.provider.lower() in named,
                "source": listed.read_from,
                "from": shown_address(policy, source, "docs_url" if source.kind == "documentation" else "api_base"),
                "models": len(listed.models),
                "gone": len(listed.gone),
                "last_sync": listed.at.isoformat() if listed.at else None,
                "last_try": listed.tried_at.isoformat() if listed.tried_at else None,
                "error": listed.error,
            }
        )
    return {
        "store": kept.name,
        "problem": kept.problem,
        "on_start": settings.discovery.on_start,
        "every_s": settings.discovery.every,
        "providers": rows,
    }


def _answers(url: str) -> bool:
    """Whether a LiteLLM proxy answers there; needs no key."""
    import httpx

    try:
        answer = httpx.get(f"{url.rstrip('/')}/health/liveliness", timeout=_TIMEOUT_S, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return answer.status_code == 200


def _proxy(url: str) -> dict[str, Any]:
    if not _answers(url):
        return {"url": url, "reachable": False}
    return {"url": url, "reachable": True, "litellm": _litellm(url)}


def _litellm(url: str) -> dict[str, Any] | None:
    """The LiteLLM of the proxy and what its probes found; None without an admin's key in $LITELLM_MASTER_KEY."""
    key = os.environ.get(KEY_ENV, "").strip()
    if not key:
        return None
    try:
        found = RunningProxy(url, key).get("/health").get("litellm")
    except NotAnswered:
        return None
    return found if isinstance(found, dict) else None


def _probed(litellm: dict[str, Any]) -> str:
    probes = litellm.get("probes") or []
    failed = [f"{probe['name']}: {probe['error']}" for probe in probes if probe.get("error")]
    verdict = f"contract {litellm.get('contract')}, {len(probes) - len(failed)} of {len(probes)} probes hold"
    return shown("; ".join([f"{litellm.get('version')}, {verdict}", *failed]))


def _print(told: dict[str, Any]) -> None:
    from rich.text import Text

    policy, ledger, discovery, proxy = told["policy"], told["ledger"], told["discovery"], told["proxy"]

    def line(name: str, *says: str | tuple[str, str]) -> Text:
        # In one piece, as a revision is.
        return Text.assemble(f"{name:<9}  ", *says, no_wrap=True, overflow="ignore")

    if policy is None:
        show(line("policy", "none here; name one with --policy"))
    else:
        show(line("policy", policy["file"]), line("revision", policy["revision"]))
        show(line("plugins", ", ".join(policy["plugins"]) or "none, so nothing is governed"))
        show(line("ledger", f"{ledger['kind']} ", _ANSWERS if ledger["reachable"] else ("does not answer", "red")))
    if told["overlay"] and told["overlay"]["error"]:
        show(line("overlay", (shown(told["overlay"]["error"]), "red")))
    for entry in told["overlay"]["entries"] if told["overlay"] else ():
        show(line("overlay", shown(f"{entry['id']}  {entry['what']}, until {entry['until']}, by {entry['author']}")))
    show(line("proxy", f"{proxy['url']} ", _ANSWERS if proxy["reachable"] else ("does not answer", "yellow")))
    if proxy.get("litellm"):
        style = "red" if proxy["litellm"]["contract"] == "broken" else ""
        show(line("LiteLLM", (_probed(proxy["litellm"]), style)))
    when = ["on start"] if discovery["on_start"] else []
    when += [f"every {discovery['every_s']} s"] if discovery["every_s"] else []
    show(line("discovery", f"{' and '.join(when) or 'on demand only'}; kept in {discovery['store']}"))
    rows = Table("provider", "models", "gone", "last read", "from", "", names=("provider",), numbers=("models", "gone"))
    for row in discovery["providers"]:
        error, note = row["error"], "" if row["in_use"] else "not in use"
        says = Text(shown(error), style="red") if error else Text(note, "dim")
        counts = (f"{row['models']:,}", f"{row['gone']:,}")
        rows.add(row["provider"], *counts, row["last_sync"] or "never", row["from"], says)
    show(rows)
    if discovery["problem"]:
        show(Text(shown(discovery["problem"]), style="red"))
