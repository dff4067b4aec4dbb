"""An entry of the policy as a form: its fields, the rows of its lists, and what is wrong beside what is."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import yaml
from fastapi import APIRouter, Request, Response

from governance.expressions import VARIABLES, compile_condition
from governance.expressions.variables import FUNCTIONS
from governance.model.errors import GovernanceError
from governance.pages import sheet_words as words
from governance.pages.answered import UI, Shown
from governance.pages.editing import FORMS, Edited, noun_of, open_policy
from governance.pages.forms import form_of
from governance.pages.not_shown import NotShown
from governance.pages.render import Show
from governance.pages.reviewed import review
from governance.policy.nodes import pointer, read_tree
from governance.policy.sections import SECTIONS, found
from governance.usecases.entries import NoSuchEntry, shown_entry
from governance.usecases.sheets import Shape, entry_said, shape_of_entry, written_fields
from governance.usecases.sheets.read import MOST_ROWS, number_of, rows_of, too_many_rows
from governance.usecases.sheets.rows import added, dropped, moved

_MOST_SUGGESTED: Final = 300
_MOVES: Final = {"up": -1, "down": 1}

Problems = list[dict[str, Any]]


def routes(show: Show) -> APIRouter:
    """For admins."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.post("/sheet/{section}")
    async def sheet(request: Request, section: str) -> Response:
        noun_of(section, FORMS)
        form = await form_of(request)
        policy, shape = open_policy(show), shape_of_entry(SECTIONS[section])
        name, do = form.get("name.was", ""), form.get("do", "review")
        edited = Edited(section, name, form.get("base") or policy.revision, form.get("comment", ""))
        fields = {key: text for key, text in form.items() if key not in ("base", "do", "comment", "name.was", "text")}
        if too_many_rows(fields):
            raise NotShown(422, f"a form has at most {MOST_ROWS} rows of a kind; an entry of more is written as YAML")
        word, *more = do.split(" ")
        if word == "form":
            return await from_text(show, request, edited, form.get("text", ""))
        if word in ("add", "drop", "move", *_MOVES) and more:
            fields, focus, told = _rows(shape, fields, word, more)
            return await page(show, request, edited, fields, [], focus=focus, told=told, touched=True)
        said = entry_said(shape, fields, await asyncio.to_thread(_old, policy.text, section, name))
        written = yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=110) if said else ""
        if word == "yaml":
            values = {"text": written, **edited.values}
            return await show.page(request, "edit.html", problems=[], touched=True, **values)

        async def refused(problems: Problems, candidate: str) -> Response:
            placed = await asyncio.to_thread(_placed, problems, candidate, section, said)
            return await page(show, request, edited, fields, placed, status=422)

        return await review(show, request, edited, None if word == "remove" else written, refused)

    @router.post("/check")
    async def check(request: Request) -> Response:
        form = await form_of(request)
        text = form.get("cel_expression", form.get("match", ""))
        return show.part(request, "condition.html", **checked(text))

    return router


def checked(text: str) -> dict[str, Any]:
    """What is to be said of a condition."""
    try:
        condition = compile_condition(text)
    except ValueError as error:
        return {"fault": str(error), "reads": [], "empty": False}
    return {"fault": "", "reads": sorted(condition.variables), "empty": not text.strip()}


async def opened(show: Show, request: Request, edited: Edited, value: Any) -> Response:
    """The form of an entry that is there, or of a new one."""
    fields = written_fields(shape_of_entry(SECTIONS[edited.section]), value)
    if not value:
        fields = _begun(edited.section, fields)
    if too_many_rows(fields):
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
        return await show.page(
            request, "edit.html", problems=[], touched=False, **{"text": text, **edited.values, "form": False}
        )
    return await page(show, request, edited, fields, [])


async def from_text(show: Show, request: Request, edited: Edited, text: str) -> Response:
    """The form of an entry that somebody wrote as YAML; where it is none, that stays as it is."""
    try:
        tree = await asyncio.to_thread(read_tree, text, "this entry") if text.strip() else None
        problems = [{"message": str(problem), "line": None} for problem in tree.problems] if tree else []
        if tree and not isinstance(tree.data, dict):
            problems = [{"message": "an entry is a mapping of keys to values", "line": None}]
        fields = written_fields(shape_of_entry(SECTIONS[edited.section]), tree.data if tree else {})
        if too_many_rows(fields):
            message = f"a form has at most {MOST_ROWS} rows of a kind, and here are more"
            problems = [{"message": message, "line": None}]
    except GovernanceError as error:
        fields, problems = {}, [{"message": str(error), "line": None}]
    if problems:
        values = {"text": text, **edited.values}
        return await show.page(request, "edit.html", status=422, problems=problems, touched=True, **values)
    return await page(show, request, edited, fields, [])


async def page(
    show: Show,
    request: Request,
    edited: Edited,
    fields: dict[str, str],
    problems: Problems,
    *,
    status: int = 200,
    focus: str = "",
    told: str = "",
    touched: bool = False,
) -> Response:
    """The form as it is by now."""
    shape = shape_of_entry(SECTIONS[edited.section])
    # Whatever was sent as a number of rows is none until it was read as one.
    counts = {key: str(rows_of(fields, key.removesuffix(".rows"))) for key in fields if key.endswith(".rows")}
    fields = {**fields, **counts}
    beside: dict[str, list[str]] = {}
    for problem in problems:
        beside.setdefault(problem.get("field") or "", []).append(problem["message"])
    return await show.page(
        request,
        "sheet.html",
        status=status,
        fields=fields,
        under=_under(fields),
        parts_of=_parts(shape, edited.section),
        by_key={each.key: each for each in shape.inside},
        wrong=beside,
        focus=focus,
        told=told,
        touched=touched or bool(problems),
        suggested=_suggested(show),
        variables=VARIABLES,
        functions=FUNCTIONS,
        words=words,
        checked=checked,
        **edited.values,
    )


def _under(fields: dict[str, str]) -> dict[str, list[str]]:
    """The names of the fields that stand inside each: looked for one by one they are many times as much work."""
    found: dict[str, list[str]] = {}
    for name in fields:
        for i, sign in enumerate(name):
            if sign == ".":
                found.setdefault(name[:i], []).append(name)
    return found


def _parts(shape: Shape, section: str) -> list[tuple[str, tuple[str, ...]]]:
    laid = words.PARTS[section]
    placed = {key for _, keys in laid for key in keys}
    there = {each.key for each in shape.inside}
    rest = tuple(each.key for each in shape.inside if each.key not in placed)
    return [*((title, tuple(key for key in keys if key in there)) for title, keys in laid), ("More", rest)]


def _begun(section: str, fields: dict[str, str]) -> dict[str, str]:
    """With what nearly every new entry has."""
    if section == "profiles":
        return {**fields, "targets.rows": "1", "targets.0.enabled": "on", "targets.0.priority": "1"}
    if section in ("limits", "budgets"):
        return {**fields, "subject.rows": "1", "subject.0.kind": "team", "subject.0.name": "*"}
    return fields


def _rows(shape: Shape, fields: dict[str, str], word: str, more: list[str]) -> tuple[dict[str, str], str, str]:
    """The fields after a change of rows, where the focus goes, and what is said of it."""
    name, numbers = more[0], [at for at in map(number_of, more[1:]) if at is not None]
    inside = next((each for each in shape.inside if each.key == name), None)
    if inside is None or (word != "add" and not numbers):
        return fields, "", ""
    if word == "add":
        made = added(inside, fields, name)
        told = f"a form has at most {MOST_ROWS}" if made == fields else "one more, at the end"
        return made, f"{name}.{rows_of(made, name) - 1}.", told
    at = numbers[0]
    if word == "drop":
        return dropped(fields, name, at), f"add {name}", f"number {at + 1} is gone"
    to = numbers[1] if word == "move" and len(numbers) > 1 else at + _MOVES.get(word, 0)
    made = moved(fields, name, at, to)
    return made, f"{word} {name} {to}", f"number {at + 1} is number {to + 1} now" if made != fields else ""


def _old(policy: str, section: str, name: str) -> Any:
    try:
        return shown_entry(policy, SECTIONS[section], name).value if name else None
    except NoSuchEntry:
        return None


def _placed(problems: Problems, candidate: str, section: str, said: dict[str, Any]) -> Problems:
    """Each with the field that it is about, as far as it is about one of this entry."""
    tree = read_tree(candidate, "policy") if candidate else None
    entry = found(tree, SECTIONS[section], str(said.get("name", ""))) if tree else None
    inside = None if entry is None else f"{pointer(entry.path)}/"
    placed = []
    for problem in problems:
        at = problem.get("pointer") or ""
        of = at[len(inside) :].replace("/", ".") if inside and at.startswith(inside) else ""
        placed.append({**problem, "field": of})
    return placed


def _suggested(show: Show) -> dict[str, list[str]]:
    """What the proxy serves, to choose from."""
    catalog = show.of.models.catalog
    providers: dict[str, None] = {}
    models: dict[str, None] = {}
    for name in catalog.offered:
        provider, stroke, model = name.partition("/")
        if stroke:
            providers.setdefault(provider)
            if "*" not in model:
                models.setdefault(model)
    for target in catalog.sources.discovered:
        models.setdefault(target.partition("/")[2])
    groups = [name for name in catalog.names or () if "*" not in name]
    return {
        "providers": sorted(providers)[:_MOST_SUGGESTED],
        "models": sorted(models)[:_MOST_SUGGESTED],
        "groups": sorted(groups)[:_MOST_SUGGESTED],
    }
