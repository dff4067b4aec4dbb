"""A policy that another one has taken over from: let go of in slices, once the last request that began on it has ended.

To free 25,000 limits at once takes as long as to make them, and whoever holds the last one pays for it: a request.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import Any

from governance.engine.host import Host
from governance.model.turns import EACH, rest
from governance.policy import Policy


def let_go_slowly(host: Host) -> None:
    """Have what this host is made of freed in slices, beside the requests, when nobody uses it any more."""
    weakref.finalize(host, _begin, host.policy, host.plugins).atexit = False


def _begin(policy: Policy, plugins: Mapping[str, object]) -> None:
    threading.Thread(target=_take_apart, args=(_entries(policy), [policy, plugins]), daemon=True).start()


def _entries(policy: Policy) -> list[Any]:
    lists = [getattr(section, "root", None) for section in policy.sections.values()]
    entries: list[Any] = []
    for each in (*lists, *policy.entries.values(), policy.core.keys, policy.core.teams):
        entries += each if isinstance(each, (list, tuple)) else ()
    return entries


def _take_apart(entries: list[Any], whole: list[Any]) -> None:
    _tell(whole[1])
    # First what holds the entries together: none of them is freed by that.
    whole.clear()
    while entries:
        rest()
        del entries[-EACH:]


def _tell(plugins: Mapping[str, object]) -> None:
    for plugin in plugins.values():
        getattr(plugin, "let_go", lambda: None)()
