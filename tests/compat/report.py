"""The table of docs/compatibility.md: which LiteLLM passes the end-to-end tests."""

import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from packaging.version import Version

BEGIN, END = "<!-- begin: make compat -->\n", "<!-- end: make compat -->\n"
HEAD = "| LiteLLM | tested on | passed | failed | verdict |\n| --- | --- | --- | --- | --- |\n"
ROW = re.compile(r"^\| (\d\S*) \| (\S+) \| (\d+) \| (\d+) \| (.*) \|$", re.MULTILINE)


class Result(NamedTuple):
    version: str
    date: str
    passed: int
    failed: int
    verdict: str

    @property
    def line(self) -> tuple[int, ...]:
        return Version(self.version).release[:2]


def read(junit: Path, version: str, date: str) -> tuple[Result, list[str]]:
    """What pytest reports, and the names of the tests that failed."""
    cases = list(ElementTree.parse(junit).getroot().iter("testcase"))
    failed = [
        f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = sum(case.find("skipped") is not None for case in cases)
    verdict = "works" if cases and not failed else "does not work"
    return Result(version, date, len(cases) - len(failed) - skipped, len(failed), verdict), failed


def written(document: str, results: list[Result]) -> str:
    """The document with these rows; those of the same version, or of older ones of the same line, go."""
    before, rest = document.split(BEGIN)
    table, after = rest.split(END)
    rows = {row[0]: Result(row[0], row[1], int(row[2]), int(row[3]), row[4]) for row in ROW.findall(table)}
    for result in results:
        older = [each.version for each in rows.values() if each.line == result.line]
        for version in older:
            if Version(version) <= Version(result.version):
                del rows[version]
        rows[result.version] = result
    ordered = sorted(rows.values(), key=lambda each: Version(each.version), reverse=True)
    body = "".join(
        f"| {each.version} | {each.date} | {each.passed} | {each.failed} | {each.verdict} |\n" for each in ordered
    )
    return f"{before}{BEGIN}{HEAD}{body}{END}{after}"
