"""What 10,000 rules or limits cost one request before the ledger is asked: `python -m tests.bench.many`.

CPU of this thread, median of 30. What is not found by what it names is asked one by one, so that fewer of them fit.
"""

from __future__ import annotations

import sys
import time

from governance.engine.host import Host
from governance.model import Identity, Request
from governance.model.errors import PolicyError
from governance.trace import Trace

RULE = "  - {{name: r{0}, cel_expression: '{1}', targets: [{{provider: openai, model: x}}]}}\n"
LIMIT = "  - {{name: r{0}, subject: everyone, match: '{1}', requests: 1000/minute}}\n"
CASES = (
    ("rules", 10_000, 'model == "mN"'),
    ("rules", 10_000, 'model.startsWith("mNx")'),
    ("rules", 10_000, 'team_name.startsWith("tN-") && headers["x-a"] == "b"'),
    ("rules", 10_000, 'model.startsWith("mNx") || virtual_key_name.startsWith("kN-")'),
    ("rules", 10_000, '"tN" in tags'),
    ("rules", 10_000, "prompt_tokens > N00000"),
    ("rules", 10_000, 'model.matches("^mN.*x$")'),
    ("rules", 300, 'model.matches("^mN.*x$")'),
    ("limits", 10_000, 'model == "mN"'),
    ("limits", 10_000, 'model.startsWith("mNx")'),
    ("limits", 10_000, "prompt_tokens > N00000"),
    ("limits", 3_000, "prompt_tokens > N00000"),
)
ASKED = Request(
    "openai/m9999y", identity=Identity(team_name="t9999-x", virtual_key_name="k"), tags=("t",), headers={"x-a": "c"}
)


def main() -> None:
    """A line for each kind."""
    for kind, count, condition in CASES:
        section, each = ("routing_rules", RULE) if kind == "rules" else ("rate_limits", LIMIT)
        lines = (each.format(i, condition.replace("N", str(i))) for i in range(count))
        what = f"{count:6,} {kind:<6} {condition:<64}"
        try:
            host = Host.parse(f"version: 1\n{section}:\n" + "".join(lines))
        except PolicyError as error:
            sys.stdout.write(f"{what} refused: {error.problems[0].message.partition('; ')[0]}\n")
            continue
        took = []
        for _ in range(30):
            began = time.thread_time_ns()
            host.pre_request(ASKED, Trace(ASKED, "", 0.0, "simulated"))
            took.append(time.thread_time_ns() - began)
        sys.stdout.write(f"{what} {sorted(took)[15] / 1000:9,.0f} us\n")


if __name__ == "__main__":
    main()
