"""What a thousand limits take of a worker's memory."""

from __future__ import annotations

import json

from governance.engine.host import Host
from tests.bench.proxy.policy import policy
from tests.kept import kept

LIMITS = 300  # so many are read in this process, and not apart


def test_a_limit_in_force_takes_less_than_two_kilobytes() -> None:
    Host.parse(json.dumps(policy(2, "memory://", limits=2)))
    few, many = (json.dumps(policy(2, "memory://", limits=number)) for number in (0, LIMITS))
    with kept() as found:
        host = Host.parse(few)
    base = found.bytes
    with kept() as found:
        host = Host.parse(many)

    assert len(host.policy.entries["limits"]) == LIMITS + 3
    assert (found.bytes - base) / LIMITS < 1_950
