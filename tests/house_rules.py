"""The rules of this house that no other tool knows: `python -m tests.house_rules`, as `make lint` runs it.

Each rule reads one file and says where it is broken, and what would be right.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PATTERNS: Final = ("governance/**/*.py", "plugins/**/*.py", "governance/**/*.html", "governance/**/*.j2")
PATTERN_OF_TESTS: Final = "tests/**/*.py"

MOST_LINES: Final = 300
UNIT_OF_WORK: Final = "governance/store/unit_of_work.py"

# Whoever decides or counts is given a clock, so that tests, simulation and the ledger tell the time alike.
CLOCKS: Final = {
    "governance/admin/draft_changes.py": "when somebody wrote a draft",
    "governance/admin/entry_changes.py": "when an entry of the policy was changed",
    "governance/admin/frozen.py": "whether the policy is frozen",
    "governance/admin/once.py": "how long an answer is kept",
    "governance/admin/overlay.py": "which entries of the overlay have ended",
    "governance/admin/overlay_changes.py": "when an entry of the overlay was set, or withdrawn",
    "governance/admin/overview.py": "the last hour ends now",
    "governance/admin/policy.py": "which workers told of themselves lately",
    "governance/admin/spend.py": "what was spent goes up to now",
    "governance/admin/policy_changes.py": "when a policy was put in force",
    "governance/admin/backtest_changes.py": "when a backtest was asked for",
    "governance/cli/backtest_asked.py": "the time that a backtest is about ends now",
    "governance/cli/kept_in_store.py": "when somebody changed the policy by the command",
    "governance/cli/overlay_kept.py": "when somebody changed the overlay by the command",
    "governance/cli/doctor.py": "which models retire soon, and how far a server's clock is from ours",
    "governance/cli/models.py": "which models are switched off by now",
    "governance/cli/policy.py": "which models retire soon",
    "governance/cli/spend.py": "what was spent goes up to now",
    "governance/demo/wire.py": "when a fake answer was made",
    "governance/discovery/state.py": "when a provider's list was read",
    "governance/engine/simulation.py": "a simulation that fixes no clock is of now",
    "governance/expressions/facts.py": "a request without a clock of its own is of now",
    "governance/ledger/redis.py": "how far Redis' clock, which decides, is ahead of this host's",
    "governance/pages/backtests.py": "how old a backtest may be that a review shows",
    "governance/pages/beside.py": "when a draft was kept",
    "governance/pages/edit.py": "when a policy was put in force, and which workers told of themselves lately",
    "governance/pages/keys.py": "which keys have expired, and when the old secrets of one end",
    "governance/pages/mine.py": "which month it is",
    "governance/pages/overview.py": "the last hour ends now",
    "governance/pages/render.py": "pages say how long ago something was",
    "governance/pages/session.py": "when somebody logged in",
    "governance/pages/statements.py": "which month it is",
    "governance/pages/switches.py": "which entries of the overlay have ended, and when one was set or withdrawn",
    "governance/proxy/auth.py": "whether a key has expired, at LiteLLM's door",
    "governance/proxy/retry_after.py": "a provider's retry-after is a date",
    "governance/proxy/gateway.py": "when a policy was loaded",
    "governance/proxy/headers.py": "seconds until a window resets, in an answer that goes out now",
    "governance/proxy/overlay.py": "whether the policy is frozen while its file is another one",
    "governance/proxy/policies.py": "when a revision was put in force, and a worker last seen",
    "governance/telemetry/alerting.py": "the receiver of an alert compares it with its own clock",
    "governance/telemetry/recent.py": "the order in which decisions were kept",
    "governance/telemetry/troubles.py": "when a warning was logged",
    "governance/testing/junit.py": "when the tests ran",
    "governance/model/ids.py": "an id begins with the time (RFC 9562)",
}
_TELLS_THE_TIME: Final = {
    "time.time",
    "time.time_ns",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.date.today",
}
_ASKS: Final = {
    *("httpx.get", "httpx.post", "httpx.put", "httpx.patch", "httpx.delete", "httpx.head", "httpx.options"),
    *("httpx.request", "httpx.stream", "httpx.Client", "httpx.AsyncClient"),
}
_EVERYTHING: Final = {"Exception", "BaseException"}


class Fault(NamedTuple):
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class Source:
    """One file, by its path in the repository."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.lines = text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All of its syntax; nothing of a file that is not Python."""
        return list(ast.walk(ast.parse(self.text))) if self.path.endswith(".py") else []

    def fault(self, line: int, message: str) -> Fault:
        return Fault(self.path, line, message)


def at_most_300_lines(source: Source) -> Iterator[Fault]:
    if len(source.lines) > MOST_LINES:
        yield source.fault(MOST_LINES + 1, f"{len(source.lines)} lines; split the file where the idea splits")


def the_time_is_told_by_clocks(source: Source) -> Iterator[Fault]:
    for node in source.nodes:
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "time"
            and {"time", "time_ns"} & {n.name for n in node.names}
        ):
            yield source.fault(
                node.lineno, "write `import time` and `time.time()`, so that it is seen where time is told"
            )
    calls = [n for n in source.nodes if isinstance(n, ast.Call) and ast.unparse(n.func) in _TELLS_THE_TIME]
    if source.path not in CLOCKS:
        for call in calls:
            right = "take a `clock`, or name this file in CLOCKS of tests/house_rules.py with the reason"
            yield source.fault(call.lineno, f"{ast.unparse(call.func)}() outside a clock; {right}")
    elif not calls:
        yield source.fault(1, "no longer tells the time; take it out of CLOCKS of tests/house_rules.py")


def one_place_commits(source: Source) -> Iterator[Fault]:
    for node in source.nodes:
        commits = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
        if commits and source.path != UNIT_OF_WORK:
            yield source.fault(node.lineno, f"a commit outside {UNIT_OF_WORK}; let the unit of work end")  # type: ignore[attr-defined]


def a_broad_except_has_a_reason(source: Source) -> Iterator[Fault]:
    for node in source.nodes:
        suppresses = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress")
        if suppresses and _EVERYTHING & {ast.unparse(kind) for kind in node.args}:  # type: ignore[attr-defined]
            yield source.fault(node.lineno, "`suppress` of everything; narrow it, or catch it with a reason")  # type: ignore[attr-defined]
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = [ast.unparse(kind) for kind in getattr(node.type, "elts", [node.type]) if kind is not None]
        if node.type is not None and not _EVERYTHING & set(caught):
            continue
        first = source.lines[node.lineno : node.body[0].lineno - 1]  # whole lines of comment before the first statement
        if "#" not in source.lines[node.lineno - 1] and not any(line.strip().startswith("#") for line in first):
            yield source.fault(node.lineno, "a broad `except` without a reason; say in a comment why, or narrow it")


def a_room_opens_with_a_sentence(source: Source) -> Iterator[Fault]:
    if Path(source.path).name == "__init__.py":
        said = ast.get_docstring(ast.parse(source.text)) or ""
        if not said.partition("\n\n")[0].rstrip().endswith("."):
            yield source.fault(1, "a room without a sentence that says what it is for; open it with one")


def templates_keep_escaping(source: Source) -> Iterator[Fault]:
    for number, line in enumerate(source.lines if not source.path.endswith(".py") else (), 1):
        bare = line.replace(" ", "")
        if "|safe" in bare:
            yield source.fault(number, "`|safe` lets markup through; give the template a value that is escaped")
        if "hx-on" in bare:
            yield source.fault(number, "`hx-on` is script in an attribute; use a file under static/")


def tests_wait_for_what_is_slow(source: Source) -> Iterator[Fault]:
    for node in source.nodes:
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in _ASKS:
            continue
        # What is given a transport of its own asks this very process.
        if not {"timeout", "transport", None} & {keyword.arg for keyword in node.keywords}:
            right = "a busy machine takes longer than the five seconds of httpx; give it `timeout=ANSWER_S`"
            yield source.fault(node.lineno, f"{ast.unparse(node.func)} without `timeout`: {right}")


RULES: Final[tuple[Callable[[Source], Iterator[Fault]], ...]] = (
    at_most_300_lines,
    the_time_is_told_by_clocks,
    one_place_commits,
    a_broad_except_has_a_reason,
    a_room_opens_with_a_sentence,
    templates_keep_escaping,
)


RULES_OF_TESTS: Final[tuple[Callable[[Source], Iterator[Fault]], ...]] = (tests_wait_for_what_is_slow,)


def faults(source: Source) -> list[Fault]:
    rules = RULES_OF_TESTS if source.path.startswith("tests/") else RULES
    return [fault for rule in rules for fault in rule(source)]


def rooms_without_a_door(root: Path) -> Iterator[Fault]:
    """Folders with modules that no `__init__.py` opens."""
    for folder in sorted({file.parent for pattern in PATTERNS[:2] for file in root.glob(pattern)}):
        if not (folder / "__init__.py").exists():
            yield Fault(str(folder.relative_to(root)), 1, "a room without `__init__.py`; open it with a sentence")


def clocks_that_are_gone(root: Path) -> Iterator[Fault]:
    """Places that may tell the time and are no more."""
    for path in CLOCKS:
        if not (root / path).exists():
            yield Fault(path, 1, "there is no such file; take it out of CLOCKS of tests/house_rules.py")


def main(root: Path = ROOT) -> int:
    files = sorted({file for pattern in (*PATTERNS, PATTERN_OF_TESTS) for file in root.glob(pattern)})
    found = [*rooms_without_a_door(root), *clocks_that_are_gone(root)]
    for file in files:
        found += faults(Source(file.relative_to(root).as_posix(), file.read_text("utf-8")))
    for fault in found:
        print(fault)
    print(f"House rules: {len(files)} files, {len(found)} faults.")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
