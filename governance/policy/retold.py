"""The mistakes of a document that the environment has filled in, told without what it has filled in.

A message that was made while a value was known may hold any piece of it, in whatever form a library gave it. So none of
those is told. The document is judged again with innocent texts in place of the values, and what is told are the words
of that judgement, which has seen no value. Where it finds nothing of the kind, the words are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from governance.model.errors import Problem
from governance.policy.environment import substitution, variables
from governance.policy.nodes import Tree, dotted, filled

_MOST_NAMED: Final = 3

Judge = Callable[[Tree], "list[Problem]"]


def retold(
    problems: Iterable[Problem], tree: Tree, written: Tree, judge: Judge, values: Mapping[str, str]
) -> list[Problem]:
    """What may be told of `problems`, one for each.

    Args:
        tree: the document with what was filled in.
        written: the same as it stands in the file.
        judge: finds the problems of a document.
        values: of the variables.
    """
    told = _Told(tree, values)
    # As it stands in the file, for what is said of the text; and with a plain word, for whom `${` would be a mistake.
    told.hear(judge(written), {f"${{{name}}}": name for name in told.names})
    words = {f"env{i}zq": name for i, name in enumerate(told.names)}
    told.hear(judge(filled(written, substitution({name: word for word, name in words.items()}))), words)
    return [told.of(problem) for problem in problems]


def unreadable(tree: Tree) -> Problem:
    """The mistake of a document that something fell over, once it was filled in."""
    return tree.problem((), f"cannot be read with {_values(_names(tree))}")


class _Told:
    def __init__(self, tree: Tree, values: Mapping[str, str]) -> None:
        self.names = _names(tree)
        self._tree, self._values = tree, values
        self._safe = set(tree.problems)
        self._said: dict[tuple[int, str], dict[str, str]] = {}
        self._known = {dotted(path) for path in tree.marks}
        self._filled = {dotted(path): written for path, (written, _) in tree.filled.items()}

    def hear(self, problems: Iterable[Problem], stands_for: Mapping[str, str]) -> None:
        """What is said of the document with innocent texts, each of which stands for a variable."""
        for problem in problems:
            told, meant = problem.message, problem.message
            for text, name in stands_for.items():
                told, meant = told.replace(text, f"${{{name}}}"), meant.replace(text, self._values[name])
            self._said.setdefault((problem.line, problem.path), {}).setdefault(meant, told)

    def of(self, problem: Problem) -> Problem:
        if problem in self._safe:
            return problem
        said = self._said.get((problem.line, problem.path), {}).get(problem.message)
        if said is not None:
            return problem._replace(message=said)
        if problem in self._tree.closed and problem.path in self._known:
            return problem
        path = problem.path
        while path and path not in self._known:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return problem._replace(path=path, message=self._own_words(path))

    def _own_words(self, path: str) -> str:
        near = dict.fromkeys(name for at, text in self._filled.items() if _near(at, path) for name in variables(text))
        if not near:
            return f"is not valid together with {_values(self.names)}"
        what = path.rpartition(".")[2].partition("[")[0]
        return f"with {_values([*near])} this is no valid `{what or 'policy'}`"


def _near(one: str, other: str) -> bool:
    """Whether one of two places is in the other."""
    short, long = sorted((one, other), key=len)
    return not short or long == short or (long.startswith(short) and long[len(short)] in ".[")


def _names(tree: Tree) -> list[str]:
    return sorted({name for written, _ in tree.filled.values() for name in variables(written)})


def _values(names: list[str]) -> str:
    """`the value of ${A}`, `the values of ${A}, ${B} and others`."""
    named = ", ".join(f"`${{{name}}}`" for name in names[:_MOST_NAMED])
    more = " and others" if len(names) > _MOST_NAMED else ""
    return f"the value{'s' if len(names) > 1 else ''} of {named}{more}"
