"""What is wrong with a running installation, or will be, and what mends it.

Everything here is told by others: the policy's own check, a proxy's health page, the server of the ledger. A part that
cannot be asked is told too, and is no reason to say nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from governance.ledger.server import Server

Level = Literal["broken", "warning", "fine", "unknown"]

_CLOCKS_APART_S: Final = 1.0
_NEARLY_FULL: Final = 0.8
_OLDEST_REDIS: Final = (6, 2)
_KEEPS: Final = "noeviction"
_LEDGER_DOWN: Final = "see docs/operations.md#the-ledger"


class Finding(NamedTuple):
    """Args:
    part: what was looked at.
    said: what was found.
    mend: what to do about it; "" where nothing is to be done.
    """

    level: Level
    part: str
    said: str
    mend: str = ""


class Facts(NamedTuple):
    """What the parts say of themselves; text in the place of facts says why there are none.

    Args:
        revision: of the policy's file.
        source: where the policy's truth is: `file` or `database`.
        warnings: of `governance check`.
        health: the page of one worker of a proxy, as an admin sees it.
        server: of the ledger; None where it counts in memory.
    """

    revision: str | None
    source: str
    warnings: Sequence[str]
    health: Mapping[str, Any] | str
    server: Server | str | None


def examine(facts: Facts) -> list[Finding]:
    """Every finding, the worst first."""
    found = [*_policy(facts), *_proxy(facts), *_ledger(facts)]
    order = ("broken", "warning", "unknown", "fine")
    return sorted(found, key=lambda finding: order.index(finding.level))


def _policy(facts: Facts) -> Iterator[Finding]:
    for warning in facts.warnings:
        yield Finding("warning", "policy", warning)
    if not facts.warnings:
        yield Finding("fine", "policy", "the policy has no mistakes and nothing in it that can never work")


def _proxy(facts: Facts) -> Iterator[Finding]:
    health = facts.health
    if isinstance(health, str):
        yield Finding("unknown", "proxy", health, "name one by --url, and an admin's key by $LITELLM_MASTER_KEY")
        return
    status = health.get("status")
    if status != "ok":
        yield Finding("broken", "proxy", f"a worker says that it is {status}", "see the findings below, and its log")
    yield from _contract(_mapping(health.get("litellm")))
    yield from _loaded(facts, _mapping(health.get("policy")))
    yield from _errors(health)
    yield from _counted(_mapping(health.get("ledger")))
    if _mapping(health.get("metrics")).get("incomplete"):
        yield Finding(
            "warning",
            "metrics",
            "each worker tells its own metrics alone, so that a scrape sees one of them",
            "set $PROMETHEUS_MULTIPROC_DIR to an empty folder before the proxy starts",
        )


def _contract(litellm: Mapping[str, Any]) -> Iterator[Finding]:
    version, workers = litellm.get("version", "unknown"), litellm.get("workers", 1)
    broken = [probe for probe in litellm.get("probes", ()) if probe.get("error")]
    for probe in broken:
        said = f"LiteLLM {version}: {probe.get('name')}: {probe['error']}"
        yield Finding("broken", "litellm", said, "install a version of docs/compatibility.md")
    for lack in litellm.get("missing", ()):
        yield Finding("warning", "litellm", f"LiteLLM {version}: {lack}", "install a version of docs/compatibility.md")
    if litellm.get("tested") is False:
        said = f"LiteLLM {version} is of a line that was not tested, though what is probed at start is as known"
        yield Finding("warning", "litellm", said, "make compat tests it; docs/compatibility.md has the tested ones")
    if not broken:
        yield Finding("fine", "litellm", f"LiteLLM {version} behaves as governance knows it; {workers} worker(s) here")


def _loaded(facts: Facts, policy: Mapping[str, Any]) -> Iterator[Finding]:
    if policy.get("error"):
        yield Finding("broken", "policy", f"the last change was not taken over: {policy['error']}", "mend the policy")
    elif facts.source == "file" and facts.revision and policy.get("revision") != facts.revision:
        said = f"the proxy serves {policy.get('revision')} of {policy.get('source')}, and this file is {facts.revision}"
        yield Finding("warning", "policy", said, "name the file that it serves by --policy, or look why it is not read")


def _errors(health: Mapping[str, Any]) -> Iterator[Finding]:
    for part in ("store", "overlay", "decision_log", "decisions", "alerts", "trace"):
        error = _mapping(health.get(part)).get("error")
        if error:
            yield Finding("broken", part.replace("_", " "), str(error), "see docs/operations.md on it")
    for plugin in health.get("plugins") or ():
        if plugin.get("errors"):
            said = f"plugin {plugin.get('name')} failed {plugin['errors']} times"
            yield Finding("broken", "plugins", said, "its errors are in the proxy's log")


def _counted(ledger: Mapping[str, Any]) -> Iterator[Finding]:
    if ledger.get("reachable") is False:
        yield Finding("broken", "ledger", "the worker cannot reach the ledger", _LEDGER_DOWN)
    for name, said in (
        ("lost", "ends of requests were not counted, because the ledger was away"),
        ("allowed", "requests were served uncounted, while the ledger was away"),
        ("refused", "requests were refused, while the ledger was away"),
    ):
        if ledger.get(name):
            yield Finding("warning", "ledger", f"{ledger[name]:,} {said}, since this worker began", _LEDGER_DOWN)


def _ledger(facts: Facts) -> Iterator[Finding]:
    server = facts.server
    if server is None:
        yield Finding(
            "warning",
            "ledger",
            "windows are counted in memory: each worker by itself, and a restart forgets them",
            "for more than one worker, and for budgets, give `ledger: {url: …}` a Redis",
        )
        return
    if isinstance(server, str):
        yield Finding("broken", "redis", server, _LEDGER_DOWN)
        return
    yield from _redis(server)


def _redis(server: Server) -> Iterator[Finding]:
    info = server.info
    version = info.get("redis_version", "0")
    told = f"Redis {version}" if "valkey_version" not in info else f"Valkey {info['valkey_version']}"
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < _OLDEST_REDIS:
        yield Finding("broken", "redis", f"{told} is too old", "6.2 or newer")
    most, used = _number(info, "maxmemory"), _number(info, "used_memory")
    kept = info.get("maxmemory_policy", _KEEPS)
    if kept != _KEEPS:
        said = f"maxmemory-policy is {kept}: what it evicts is a count, and a forgotten budget is spent once more"
        yield Finding("broken" if most else "warning", "redis", said, f"CONFIG SET maxmemory-policy {_KEEPS}")
    if most and used > _NEARLY_FULL * most:
        said = f"{used / most:.0%} of maxmemory is in use; when it is full, everything that a limit counts is refused"
        yield Finding("warning", "redis", said, "see the table of sizes in docs/deployment.md")
    if info.get("aof_enabled") == "0" and server.saves == "":
        said = "it keeps nothing on disk: a restart forgets every budget"
        yield Finding("warning", "redis", said, "appendonly yes, as in deploy/redis/redis.conf")
    if info.get("rdb_last_bgsave_status") == "err" or info.get("aof_last_write_status") == "err":
        yield Finding("broken", "redis", "its last write to disk failed", "look at its log and at its disk")
    if info.get("role") not in (None, "master"):
        said = f"it is a {info['role']}, which takes no writes"
        yield Finding("broken", "redis", said, "name the master, or the Sentinels that know it")
    if abs(server.ahead_s) > _CLOCKS_APART_S:
        side = "ahead of" if server.ahead_s > 0 else "behind"
        said = f"its clock is {abs(server.ahead_s):.1f} s {side} this machine's; windows go by its, records by ours"
        yield Finding("warning", "clocks", said, "let both keep time by NTP")
    else:
        yield Finding("fine", "redis", f"{told} answers, and its clock is right to {abs(server.ahead_s) * 1000:.0f} ms")


def _number(info: Mapping[str, str], name: str) -> float:
    try:
        return float(info.get(name, 0))
    except ValueError:
        return 0.0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def worst(found: Iterable[Finding]) -> Level:
    """The worst of all levels."""
    levels = {finding.level for finding in found}
    order: tuple[Level, ...] = ("broken", "warning", "unknown")
    return next((level for level in order if level in levels), "fine")
