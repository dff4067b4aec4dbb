"""`governance test`: policy tests, with what they leave untouched."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from governance.cli.terminal import AsJson, ConfigOption, PolicyOption, clear_errors, policy_path, print_json
from governance.cli.terminal import console as people
from governance.model.errors import GovernanceError

if TYPE_CHECKING:
    from governance.engine.host import Host
    from governance.testing import Coverage, Result

FAILED: Final = 1
UNUSABLE: Final = 2

Files = Annotated[list[Path], typer.Argument(help="tests files, such as governance.tests.yaml")]
Junit = Annotated[Path | None, typer.Option("--junit", help="write the results there as JUnit XML, for CI")]
Pattern = Annotated[str, typer.Option("-k", help="only tests whose names contain this")]
FailUnder = Annotated[float, typer.Option("--fail-under", min=0, max=100, help="fail below this coverage, in percent")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="show the decisions of tests that fail")]


def run_tests(
    files: Files,
    policy: PolicyOption = None,
    config: ConfigOption = None,
    pattern: Pattern = "",
    junit: Junit = None,
    fail_under: FailUnder = 0.0,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Test a policy: requests and what should come of them. Exit code 1: a test fails; 2: a file cannot be used."""
    try:
        with clear_errors(as_json):
            done = _run(files, policy, config, pattern)
            if junit is not None:
                _write(junit, done)
    except typer.Exit:
        raise typer.Exit(UNUSABLE) from None
    covered = _coverage(done)
    passed = all(result.passed for ran in done for result in ran.results)
    enough = all(coverage.percent >= fail_under for _, coverage in covered)
    if as_json:
        print_json(_report(done, covered, passed and enough, verbose))
    else:
        _print(done, covered, verbose, fail_under)
    if not (passed and enough):
        raise typer.Exit(FAILED)


class _Ran(NamedTuple):
    """One tests file that was run: on which policy, and with which results."""

    file: Path
    policy: Path
    host: Host
    results: Sequence[Result]


def _run(files: list[Path], policy: Path | None, config: Path | None, pattern: str) -> list[_Ran]:
    import asyncio

    from governance.engine.host import Host
    from governance.testing import catalog_of, read_suite, run

    hosts: dict[str, Host] = {}
    done = []
    for file in files:
        suite = read_suite(file)
        path = policy or suite.policy or policy_path(None)
        real = os.path.realpath(path)
        host = hosts.get(real) or hosts.setdefault(real, Host.load(path))
        catalog = catalog_of(host, config or suite.config)
        done.append(_Ran(file, path, host, asyncio.run(run(host, suite, catalog, pattern))))
    if not any(ran.results for ran in done):
        raise GovernanceError(f"no test's name contains `{pattern}`")
    return done


def _write(junit: Path, done: list[_Ran]) -> None:
    from governance.testing.junit import write_junit

    try:
        write_junit(junit, [(str(ran.file), ran.results) for ran in done])
    except OSError as error:
        raise GovernanceError(f"{junit} cannot be written: {error.strerror or type(error).__name__}") from None


def _coverage(done: list[_Ran]) -> list[tuple[Path, Coverage]]:
    """For each policy, what all the files together touch."""
    from governance.testing import Coverage

    policies = {id(ran.host): ran for ran in done}
    return [
        (first.policy, Coverage.of(first.host, _records(ran for ran in done if ran.host is first.host)))
        for first in policies.values()
    ]


def _records(done: Iterable[_Ran]) -> Iterator[dict[str, Any]]:
    for ran in done:
        for result in ran.results:
            yield from result.records


def _report(done: list[_Ran], covered: list[tuple[Path, Coverage]], passed: bool, verbose: bool) -> dict[str, Any]:
    return {
        "passed": passed,
        "files": [
            {"file": str(ran.file), "policy": str(ran.policy), "tests": [_told(r, verbose) for r in ran.results]}
            for ran in done
        ],
        "coverage": [
            {
                "policy": str(policy),
                "percent": round(coverage.percent, 1),
                "places": len(coverage.places),
                "untouched": [{**place._asdict(), "why": why} for place, why in coverage.untouched.items()],
                "one_sided": [{**place._asdict(), "why": why} for place, why in coverage.one_sided.items()],
            }
            for policy, coverage in covered
        ],
    }


def _told(result: Result, verbose: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": result.name,
        "line": result.line,
        "passed": result.passed,
        "ms": round(result.seconds * 1000, 3),
        "differences": [difference._asdict() for difference in result.differences],
    }
    return {**told, "records": list(result.records)} if verbose else told


def _print(done: list[_Ran], covered: list[tuple[Path, Coverage]], verbose: bool, fail_under: float) -> None:
    from rich.text import Text

    console = people()
    for ran in done:
        console.print(Text(f"{ran.file} on {ran.policy}", style="bold"))
        for result in ran.results:
            _print_result(console, ran.file, result, verbose)
    results = [result for ran in done for result in ran.results]
    failed = sum(1 for result in results if not result.passed)
    counted = f"{len(results) - failed} passed" + (f", {failed} failed" if failed else "")
    took = f" in {sum(result.seconds for result in results) * 1000:.0f} ms"
    console.print(Text.assemble((counted, "bold red" if failed else "bold green"), took))
    for policy, coverage in covered:
        touched = len(coverage.places) - len(coverage.untouched)
        line = f"{policy}: {touched} of {len(coverage.places)} rules, targets and limits touched"
        short = f", {fail_under:g} % wanted" if coverage.percent < fail_under else ""
        console.print(Text(f"{line} ({coverage.percent:.0f} %{short})", style="bold red" if short else ""))
        for place, why in (*coverage.untouched.items(), *coverage.one_sided.items()):
            style = "yellow" if place in coverage.untouched else "dim"
            console.print(Text(f"  {place}: {why}", style=style), soft_wrap=True)


def _print_result(console: Any, file: Path, result: Result, verbose: bool) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from governance.cli.tree import decision_tree, printable

    mark = ("✓", "green") if result.passed else ("✗", "bold red")
    where = "" if result.passed else f"  {file}:{result.line}"
    line = Text.assemble("  ", mark, f" {printable(result.name)}", (f"  {result.seconds * 1000:.1f} ms{where}", "dim"))
    console.print(line, soft_wrap=True)
    for difference in result.differences:
        console.print(Text(f"      {printable(difference.path)}"), soft_wrap=True)
        console.print(Text.assemble("        expected ", (_value(difference.expected), "green")), soft_wrap=True)
        console.print(Text.assemble("        got      ", (_value(difference.got), "red")), soft_wrap=True)
    if verbose and not result.passed:
        for record in result.records:
            console.print(Padding.indent(decision_tree(record), 6))


def _value(value: Any) -> str:
    text: str = json.dumps(value, ensure_ascii=False, default=str)
    return text.encode("utf-8", "backslashreplace").decode()
