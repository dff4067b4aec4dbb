"""`governance status`: policy, plugins, ledger, discovery and proxy at one glance."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import typer

from governance.cli.running_proxy import URL, UrlOption, shown
from governance.cli.terminal import AsJson, PolicyOption, clear_errors, policy_path, print_json

if TYPE_CHECKING:
    from governance.policy import Policy
    from governance.policy.catalog import CatalogSettings

_TIMEOUT_S = 3.0


def status(policy: PolicyOption = None, url: UrlOption = URL, as_json: AsJson = False) -> None:
    """Show which policy there is, whether its ledger and a proxy answer, and what discovery has read.

    Exit code 1 when the policy has mistakes or its ledger does not answer; a proxy need not run.
    """
    from governance.cli.catalog_settings import catalog_settings
    from governance.engine.host import Host

    with clear_errors(as_json):
        path = policy_path(policy)
        used = Host.load(path).policy if policy or path.exists() or "GOVERNANCE_POLICY" in os.environ else None
        told = {
            "policy": used and {"file": str(path), "revision": used.revision, "plugins": list(used.order)},
            "ledger": used and asyncio.run(_ledger(used)),
            "discovery": _discovery(catalog_settings(policy)),
            "proxy": {"url": url, "reachable": _answers(url)},
        }
    if as_json:
        print_json(told)
    else:
        _print(told)
    if told["ledger"] and not told["ledger"]["reachable"]:
        raise typer.Exit(1)


async def _ledger(policy: Policy) -> dict[str, Any]:
    from governance.ledger import open_ledger

    ledger = open_ledger(policy.core.ledger.url, on_unavailable=policy.core.ledger.on_unavailable)
    try:
        health = await ledger.health()
        return {"kind": health.kind, "reachable": health.reachable}
    finally:
        await ledger.close()


def _discovery(settings: CatalogSettings) -> dict[str, Any]:
    from governance.discovery import Store

    store = Store(settings.cache_path(os.environ))
    state = store.state
    rows = []
    for source in settings.sources(os.environ, (), state.docs_urls):
        listed = state.of(source)
        rows.append(
            {
                "provider": source.name,
                "in_use": source.in_use,
                "source": listed.read_from,
                "from": source.docs_url if source.kind == "documentation" else source.api_base,
                "models": len(listed.models),
                "gone": len(listed.gone),
                "last_sync": listed.at.isoformat() if listed.at else None,
                "last_try": listed.tried_at.isoformat() if listed.tried_at else None,
                "error": listed.error,
            }
        )
    return {
        "cache": str(store.path),
        "problem": store.problem,
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


def _print(told: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    policy, ledger, discovery, proxy = told["policy"], told["ledger"], told["discovery"], told["proxy"]
    table = Table(box=None, pad_edge=False, show_header=False)
    if policy is None:
        table.add_row("policy", "none here; name one with --policy")
    else:
        table.add_row("policy", f"{policy['file']}, {policy['revision']}")
        table.add_row("plugins", ", ".join(policy["plugins"]) or "none, so nothing is governed")
        answers = ("answers", "green") if ledger["reachable"] else ("does not answer", "red")
        table.add_row("ledger", Text.assemble(f"{ledger['kind']} ", answers))
    answers = ("answers", "green") if proxy["reachable"] else ("does not answer", "yellow")
    table.add_row("proxy", Text.assemble(f"{proxy['url']} ", answers))
    when = [
        w
        for w, on in (("on start", discovery["on_start"]), (f"every {discovery['every_s']} s", discovery["every_s"]))
        if on
    ]
    table.add_row("discovery", f"{' and '.join(when) or 'on demand only'}; kept in {discovery['cache']}")
    console.print(table)
    rows = Table("provider", "models", "gone", "last read", "from", "", box=None, pad_edge=False, header_style="bold")
    for row in discovery["providers"]:
        note = (
            Text(shown(row["error"]), style="red")
            if row["error"]
            else Text("" if row["in_use"] else "not in use", "dim")
        )
        rows.add_row(
            row["provider"], f"{row['models']:,}", f"{row['gone']:,}", row["last_sync"] or "never", row["from"], note
        )
    console.print(rows)
    if discovery["problem"]:
        console.print(Text(shown(discovery["problem"]), style="red"))
