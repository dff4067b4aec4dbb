"""A policy file to a `Policy`, or every one of its mistakes at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from governance.model.errors import PolicyError, Problem
from governance.policy.document import DEFAULT_ORDER, Core, Policy, is_wrapped, unwrap
from governance.policy.environment import allowed_variables, substitution
from governance.policy.left_out import left_out
from governance.policy.messages import CLOSED, did_you_mean, explained
from governance.policy.names import alike
from governance.policy.nodes import Path, Tree, filled, read_tree
from governance.policy.retold import retold, unreadable
from governance.policy.revision import document_hash
from governance.policy.sections import written_entries
from governance.policy.shown import shown_secrets

# What LiteLLM's proxy reads at the top of its file (proxy_server.py), and no policy has.
_LITELLM_KEYS = frozenset({"model_list", "litellm_settings", "general_settings", "router_settings"})
# Of one document; a generated one may have a hundred thousand.
MOST_PROBLEMS: Final = 100
# Of a message, which may repeat what is written.
_LONGEST: Final = 1_000

Sections = Callable[[str], "type[BaseModel] | None"]
Judged = tuple[Core, tuple[str, ...], dict[str, Any]]


def load_policy(
    file: str | os.PathLike[str],
    installed: Iterable[str],
    section_model: Sections,
    environment: Mapping[str, str] | None = None,
) -> Policy:
    """Read and validate a policy file.

    Args:
        installed: names of the plugins that could be used.
        section_model: the `Config` of an installed plugin.

    Raises:
        PolicyError: with every mistake found.
    """
    text = read_text(file)
    given = os.environ if environment is None else environment
    return parse_policy(text, FilePath(file).name, installed, section_model, given)


def read_text(file: str | os.PathLike[str]) -> str:
    """The text of a document. Raises PolicyError."""
    try:
        return FilePath(file).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PolicyError([Problem(str(file), 0, 0, "", f"is not UTF-8 text (byte {error.start})")]) from None
    except OSError as error:
        message = f"cannot be read: {error.strerror or type(error).__name__}"
        raise PolicyError([Problem(str(file), 0, 0, "", message)]) from None


def parse_policy(
    text: str, source: str, installed: Iterable[str], section_model: Sections, environment: Mapping[str, str] = {}
) -> Policy:
    """The same for text that is already here."""
    written = read_tree(text, source)
    wrapped = is_wrapped(written.data)  # by what the file says, not by what a variable makes of it
    keys, root = (written.data["config"], ("config",)) if wrapped else (written.data, ())
    tree = filled(written, substitution(environment, allowed_variables(keys)))
    names = sorted(installed)
    for name in names:
        if isinstance(keys, dict) and name in keys:
            section_model(name)  # a plugin that cannot be used has nothing to do with values
    judged, problems = _without_a_word(tree, wrapped, names, section_model)
    if problems and tree.filled:
        problems = retold(
            problems, tree, written, lambda other: _judged(other, wrapped, names, section_model)[1], environment
        )
    elif tree.filled:
        problems = list(shown_secrets(tree, root, lambda key: _schema(key, section_model)))
    if problems or judged is None:
        raise PolicyError(_told(problems))
    shown = {path[len(root) :]: as_written for path, (as_written, _) in tree.filled.items()}
    return Policy(source, document_hash(written.data), *judged, text, shown, written_entries(written))


def _schema(key: str, section_model: Sections) -> dict[str, Any]:
    if key in Core.model_fields:
        core = Core.model_json_schema(by_alias=True)
        return {**core["properties"][key], "$defs": core.get("$defs", {})}
    model = section_model(key)
    return model.model_json_schema() if model else {}


def _without_a_word(
    tree: Tree, wrapped: bool, names: list[str], section_model: Sections
) -> tuple[Judged | None, list[Problem]]:
    if not tree.filled:
        return _judged(tree, wrapped, names, section_model)
    try:
        return _judged(tree, wrapped, names, section_model)
    except Exception:  # whatever a library raises of it, its words and its traceback may hold a value
        return None, [unreadable(tree)]


def _judged(
    tree: Tree, wrapped: bool, names: list[str], section_model: Sections
) -> tuple[Judged | None, list[Problem]]:
    """What a policy is made of, and every mistake."""
    if tree.data is None and not tree.problems:
        return None, [tree.problem((), "the policy is empty; a minimal one is `version: 1`")]
    if not isinstance(tree.data, dict):
        what = "a policy is a mapping of keys to values, such as `version: 1`"
        return None, [*tree.problems, tree.problem((), what)]
    if _LITELLM_KEYS.intersection(tree.data) and "version" not in tree.data:
        message = (
            "this looks like the proxy's own configuration (litellm.yaml), which is named with --config; a policy is "
            "another file, such as `version: 1` with `routing_profiles`"
        )
        return None, [tree.problem((), message)]
    data, root = unwrap(tree) if wrapped else (tree.data, ())
    problems = list(tree.problems)
    core_keys = Core.model_fields.keys()
    core = validate(Core, {k: v for k, v in data.items() if k in core_keys}, tree, root, problems)
    sections: dict[str, Any] = {}
    for name in (key for key in data if key not in core_keys):
        model = section_model(name) if name in names else None
        if _enough(problems):
            break
        if model is None:
            problems.append(tree.problem((*root, name), _no_such_plugin(name, names)))
        elif not _enough(problems):
            sections[name] = validate(model, data[name], tree, (*root, name), problems)
    order = _order(data.get("plugins"), list(sections), names, tree, root, problems)
    for name in order:
        if name in names and name not in sections:
            sections[name] = _default(name, section_model(name), tree, root, problems)
    return None if core is None else (core, order, sections), problems


def _enough(problems: list[Problem]) -> bool:
    return len(problems) >= MOST_PROBLEMS


def _told(problems: list[Problem]) -> list[Problem]:
    """Each once, and no more than anybody reads."""
    found = [_shortened(problem) for problem in dict.fromkeys(islice(problems, 10 * MOST_PROBLEMS))]
    if len(found) < MOST_PROBLEMS:
        return found
    last = max(found[:MOST_PROBLEMS], key=lambda problem: (problem.line, problem.column))
    more = last._replace(
        column=last.column + 1, path="", pointer="", message="there are more mistakes; mend these first"
    )
    return [*found[:MOST_PROBLEMS], more]


def _shortened(problem: Problem) -> Problem:
    cut = (text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…" for text in (problem.path, problem.message))
    path, message = cut
    return problem._replace(path=path, message=message)


def validate(model: type[BaseModel], value: Any, tree: Tree, at: Path, problems: list[Problem]) -> Any:
    """The part of a document at `at` as its model, None where it is none; every mistake is added to `problems`."""
    problems.extend(islice(_clashing_names(value, tree, at), MOST_PROBLEMS))
    unread = {problem.path for problem in tree.problems}
    faulty: set[str | int] = set()
    try:
        section = model.model_validate(value)
    except ValidationError as error:
        fewer = left_out(model, value, error)
        if fewer is not value:
            return validate(model, fewer, tree, at, problems)
        for each in error.errors():
            faulty.add(each["loc"][0] if each["loc"] else "")
            if _enough(problems):
                continue
            problem = tree.problem(_inside(tree, at, each["loc"]), explained(model, each))
            if each["type"] in CLOSED:
                tree.closed.add(problem)
            if not _of(problem, unread):
                problems.append(problem)
        section = _without(model, value, faulty)
    sound = [i for i in range(len(value)) if i not in faulty] if isinstance(value, list) else []
    for loc, message in getattr(section, "problems", lambda: ())():
        if _enough(problems):
            break
        where = (sound[loc[0]], *loc[1:]) if sound and loc and isinstance(loc[0], int) else loc
        problem = tree.problem((*at, *where), message)
        if not _of(problem, unread):
            problems.append(problem)
    return section


def _of(problem: Problem, unread: Iterable[str]) -> bool:
    """Whether it comes of something that could not be read: of this itself, or of a part of it."""
    return any(path == problem.path or path.startswith(f"{problem.path}.") for path in unread)


def _without(model: type[BaseModel], value: Any, faulty: set[str | int]) -> Any:
    # What is sound in a list is judged on, so that one run finds every mistake.
    if not isinstance(value, list) or "" in faulty:
        return None
    try:
        return model.model_validate([item for i, item in enumerate(value) if i not in faulty])
    except ValidationError:
        return None


def _inside(tree: Tree, at: Path, loc: tuple[str | int, ...]) -> Path:
    # pydantic adds names of validators and union members to a location; the file knows none of these.
    path = at
    for i, part in enumerate(loc):
        if (*path, part) in tree.marks or i == len(loc) - 1:
            path = (*path, part)
    return path


def _clashing_names(value: Any, tree: Tree, at: Path) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for i, item in enumerate(value if isinstance(value, list) else ()):
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        first = seen.setdefault(alike(name), i)
        if first != i:
            line = tree.mark((*at, first, "name")).line
            yield tree.problem(
                (*at, i, "name"),
                f"`{name[:_LONGEST]}` is taken by the entry on line {line}; names are unique, whatever their case",
            )


def _order(
    listed: Any, sections: list[str], names: list[str], tree: Tree, root: Path, problems: list[Problem]
) -> tuple[str, ...]:
    if not isinstance(listed, list):
        known = [name for name in DEFAULT_ORDER if name in sections]
        return (*known, *(name for name in sections if name not in known))
    seen: set[str] = set()
    for i, name in enumerate(listed):
        if _enough(problems):
            break
        if not isinstance(name, str):
            continue
        if name not in names:
            problems.append(tree.problem((*root, "plugins", i), _no_such_plugin(name, names)))
        elif name in seen:
            problems.append(tree.problem((*root, "plugins", i), f"`{name}` is listed twice"))
        seen.add(name)
    for name in sections:
        if name not in listed:
            message = f"`{name}` is not in the list `plugins`; add it there or remove this section"
            problems.append(tree.problem((*root, name), message))
    return tuple(name for name in listed if isinstance(name, str))


def _default(name: str, model: type[BaseModel] | None, tree: Tree, root: Path, problems: list[Problem]) -> Any:
    empties: tuple[Any, ...] = ({}, [])
    for empty in empties:
        try:
            return model.model_validate(empty) if model else None
        except ValidationError:
            continue
    problems.append(tree.problem((*root, "plugins"), f"`{name}` needs a section `{name}:` of its own"))
    return None


def _no_such_plugin(name: str, names: list[str]) -> str:
    known = ", ".join(names)
    core = ", ".join(Core.model_fields)
    return f"no such plugin{did_you_mean(name, [*names, *Core.model_fields])}; installed: {known}; other keys: {core}"
