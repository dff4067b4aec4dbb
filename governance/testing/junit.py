"""Results as JUnit XML, for CI.

Source: the schema of Apache Ant's JUnit task (windyroad/JUnit-Schema), whose required parts every reader knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from governance.testing.run import Result

# XML 1.0, section 2.2: what no document may hold, however it is written.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(file: Path, suites: Sequence[tuple[str, Sequence[Result]]]) -> None:
    """Write the results of each tests file, under its name. Raises OSError."""
    root = Element("testsuites")
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    for i, (name, results) in enumerate(suites):
        failures = sum(1 for result in results if not result.passed)
        suite = SubElement(
            root,
            "testsuite",
            {
                "name": _clean(name),
                "package": _clean(name),
                "id": str(i),
                "timestamp": now,
                "hostname": "localhost",
                "tests": str(len(results)),
                "failures": str(failures),
                "errors": "0",
                "time": f"{sum(result.seconds for result in results):.6f}",
            },
        )
        SubElement(suite, "properties")
        for result in results:
            _add(suite, name, result)
        SubElement(suite, "system-out")
        SubElement(suite, "system-err")
    indent(root)
    ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def _add(suite: Element, name: str, result: Result) -> None:
    attributes = {"name": _clean(result.name), "classname": _clean(name), "time": f"{result.seconds:.6f}"}
    case = SubElement(suite, "testcase", attributes)
    if result.passed:
        return
    lines = [f"{d.path}: expected {json.dumps(d.expected)}, got {json.dumps(d.got)}" for d in result.differences]
    failure = SubElement(case, "failure", {"type": "Difference", "message": _clean(lines[0])})
    failure.text = _clean("\n".join([f"{name}:{result.line}", *lines]))


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
