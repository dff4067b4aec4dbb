"""What must hold before a policy is put in force: the tests that are kept with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from governance.engine.host import Host
from governance.model.errors import GovernanceError, PolicyError, Problem
from governance.testing import Result, Suite, catalog_of, parse_suite, run

LONGEST_TESTS: Final = 1024 * 1024
# As messages call the tests that are kept with a revision.
TESTS: Final = "tests"
_WITHIN_S: Final = 10.0
# A change may take so long, with its tests and the store.
GUARDED_WITHIN_S: Final = 20.0
_MOST_NAMED: Final = 10

T = TypeVar("T")


class TestsFailed(GovernanceError):
    """A policy does not pass the tests that are kept with it; nothing was done.

    Attributes:
        failed: what came of those that it does not pass.
        passed: how many it passes.
    """

    __test__ = False  # pytest takes it for a test otherwise

    def __init__(self, failed: Sequence[Result], passed: int) -> None:
        names = [f"{TESTS}:{result.line}: {result.name}" for result in failed[:_MOST_NAMED]]
        if len(failed) > _MOST_NAMED:
            names.append(f"and {len(failed) - _MOST_NAMED} more")
        super().__init__("\n".join([f"{len(failed)} of {len(failed) + passed} policy tests fail:", *names]))
        self.failed, self.passed = tuple(failed), passed

    def report(self) -> list[dict[str, Any]]:
        """Those that it does not pass, ready for JSON."""
        return [
            {
                "file": TESTS,
                "line": result.line,
                "name": result.name,
                "differences": [difference._asdict() for difference in result.differences],
            }
            for result in self.failed
        ]


class ReasonRequired(GovernanceError):
    """Who overrules the tests has to say why."""


def suite_of(tests: str) -> Suite:
    """The tests of a revision. Raises PolicyError with every mistake."""
    if len(tests) > LONGEST_TESTS:
        raise PolicyError([Problem(TESTS, 0, 0, "", f"larger than {LONGEST_TESTS // 2**10} KiB")])
    return parse_suite(tests, Path(TESTS))


def results_of(host: Host, tests: str) -> list[Result]:
    """What comes of the tests of a revision on a policy; none where there are no tests.

    Blocks for at most about ten seconds. The models are those that everybody knows, as for `governance test` without
    a proxy's file, so that a test comes out alike everywhere.

    Raises:
        PolicyError: the tests have mistakes.
        TestsTakeTooLong: they were broken off.
    """
    if not tests:
        return []
    return _run(run(host, suite_of(tests), catalog_of(host, None), within_s=_WITHIN_S))


def guard(host: Host, tests: str, *, force: bool, reason: str) -> TestsFailed | None:
    """Let a policy pass, or not.

    Returns:
        What was overruled by `force`; None where there was nothing to overrule.

    Raises:
        TestsFailed: and nobody overruled them.
        ReasonRequired: somebody did, without a reason.
        PolicyError, TestsTakeTooLong: as `results_of`.
    """
    if force and not reason.strip():
        raise ReasonRequired("who puts a policy in force against its tests says why, as the comment")
    results = results_of(host, tests)
    failed = [result for result in results if not result.passed]
    if not failed:
        return None
    found = TestsFailed(failed, len(results) - len(failed))
    if not force:
        raise found
    return found


def overruled(failed: TestsFailed | None) -> list[dict[str, Any]]:
    """The same, as the audit tells it."""
    if failed is None:
        return []
    names = [result.name for result in failed.failed[:_MOST_NAMED]]
    return [{"kind": "forced", "path": "", "before": f"{len(failed.failed)} tests fail", "after": names}]


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """What it returns, also where this thread has an event loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
