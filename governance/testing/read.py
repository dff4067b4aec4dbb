"""A tests file to a suite, or every one of its mistakes at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from governance.model.errors import PolicyError
from governance.policy.load import read_text, validate
from governance.policy.nodes import read_tree
from governance.testing.document import Asked, Case, TestsFile


@dataclass(frozen=True)
class Suite:
    """The tests of one file.

    Args:
        policy, config: as the file names them, from where the command runs; None = it names none.
        lines: where each test stands in the file.
    """

    file: Path
    policy: Path | None
    config: Path | None
    defaults: Asked
    cases: tuple[Case, ...]
    lines: tuple[int, ...]


def read_suite(file: Path) -> Suite:
    """Read and validate a tests file.

    Raises:
        PolicyError: with every mistake found.
    """
    return parse_suite(read_text(file), file)


def parse_suite(text: str, file: Path) -> Suite:
    """The same for the text of a tests file, which messages call `file`."""
    tree = read_tree(text, str(file))
    problems = list(tree.problems)
    if not isinstance(tree.data, dict):
        example = "policy: governance.yaml, tests: [{name: …, request: {model: …}, expect: {model: …}}]"
        raise PolicyError([*problems, tree.problem((), f"a tests file is a mapping, such as {example}")])
    read: TestsFile | None = validate(TestsFile, tree.data, tree, (), problems)
    if problems or read is None:
        raise PolicyError(dict.fromkeys(problems))
    return Suite(
        file,
        None if read.policy is None else file.parent / read.policy,
        None if read.config is None else file.parent / read.config,
        read.defaults,
        read.tests,
        tuple(tree.mark(("tests", i)).line for i in range(len(read.tests))),
    )
