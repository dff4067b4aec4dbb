"""What programs and operators rely on is documented, and nothing is documented that is not there.

Each kind of name has one page. What is there is read from the code, so a new name is missed at once.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from governance.admin.router import admin_router
from governance.cli import app
from governance.model import codes
from governance.policy.sections import SECTIONS
from governance.proxy import headers as answers_headers
from governance.telemetry.metrics import Metrics
from tests.docs.pages import CODE, ROOT, headings, rows, same, section, text_of

SOURCES = [file for folder in ("governance", "plugins") for file in sorted((ROOT / folder).rglob("*.py"))]


# --- reasons and refusals -------------------------------------------------------------------------------------------


def test_every_code() -> None:
    page = "docs/policy.md"
    known = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)}
    assert known >= set(codes.TARGET_REASONS)

    same({code for row in rows(section(page, "Codes"), page, "code") for code in row.first}, known, f"{page}#codes")


def test_every_code_of_the_pages() -> None:
    page = "docs/http-api.md"
    listed = rows(section(page, "Errors"), page, "code")

    same({row.first[0] for row in listed}, {code for code in codes_of_pages() if code}, f"{page}#errors")


def codes_of_pages() -> Iterator[str]:
    """What stands for the code wherever a page says that it cannot do something."""
    for file in SOURCES:
        tree = ast.parse(file.read_text("utf-8"))
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("NotDone", "error_response"):
                yield from words_of(call.args[1], tree)


def words_of(code: ast.expr, tree: ast.Module) -> Iterator[str]:
    if isinstance(code, ast.Constant):
        yield str(code.value)
    elif isinstance(code, ast.Attribute) and ast.unparse(code.value) == "codes":
        yield getattr(codes, code.attr)
    elif isinstance(code, ast.IfExp):
        yield from words_of(code.body, tree)
        yield from words_of(code.orelse, tree)
    elif isinstance(code, ast.Name):
        for found in ast.walk(tree):
            if isinstance(found, ast.Assign) and ast.unparse(found.targets[0]) == code.id:
                yield from words_of(found.value, tree)


# --- metrics --------------------------------------------------------------------------------------------------------


def test_every_metric_with_its_labels() -> None:
    page = "docs/observability.md"
    registry = CollectorRegistry()
    Metrics(registry)
    there = set()
    for collector in registry._collector_to_names:
        (family,) = collector.describe()
        name = family.name + ("_total" if family.type == "counter" else "")
        there.add(f"{name}({', '.join(collector._labelnames)})")  # type: ignore[attr-defined]

    documented = {
        f"{row.first[0]}({', '.join(CODE.findall(row.cell('labels')))})"
        for row in rows(section(page, "Metrics"), page, "metric")
    }
    same(documented, there, f"{page}#metrics")


def test_the_dashboard_and_the_alert_rules_ask_for_metrics_that_there_are() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    there = {name for names in registry._collector_to_names.values() for name in names}
    files = [file for folder in ("grafana", "prometheus") for file in (ROOT / "deploy" / folder).iterdir()]
    assert files

    asked = {
        name for file in files for name in re.findall(r"\bgovernance_[a-z_]+\b(?=[{\[) ])", file.read_text("utf-8"))
    }

    assert asked - there == set()


# --- headers --------------------------------------------------------------------------------------------------------


def test_every_header() -> None:
    page = "docs/observability.md"
    documented = {name for row in rows(section(page, "Headers"), page, "header") for name in row.first}

    same(documented, set(headers()), f"{page}#headers")


def headers() -> Iterator[str]:
    """Every `x-governance-…` in the source, and all that the module of the answers' headers names."""
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and re.fullmatch(r"x-governance-[a-z-]+[a-z]", str(node.value)):
                yield node.value
    of_answers = r"x-(governance|ratelimit)-[a-z-]+|RateLimit(-[A-Z][a-z]+)?|retry-after"
    tree = ast.parse(inspect.getsource(answers_headers))
    yield from (text for text in texts(tree, [{}]) if re.fullmatch(of_answers, text))


def texts(node: ast.AST, known: list[dict[str, Any]]) -> Iterator[str]:
    """The strings of the module. Those made in a loop over names that stand there are made for each of them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for names in known:
            with suppress(NameError):  # made of what is known only when a request is answered
                yield eval(ast.unparse(node), {}, names)
    else:
        if isinstance(node, ast.For):
            looped = [*ast.walk(node.target)]
            names = [each.id for each in looped if isinstance(each, ast.Name)]
            with suppress(NameError):  # as above
                values = eval(ast.unparse(node.iter), dict(vars(answers_headers)))
                known = [dict(zip(names, (value,) if len(names) == 1 else value, strict=True)) for value in values]
        for child in ast.iter_child_nodes(node):
            yield from texts(child, known)


# --- pages ----------------------------------------------------------------------------------------------------------


def test_every_page_with_its_parameters() -> None:
    page = "docs/http-api.md"
    served = FastAPI()
    served.include_router(admin_router(None, lambda: None))  # type: ignore[arg-type]
    there = {
        f"{method.upper()} {section_of(path)} ({', '.join(each['name'] for each in operation.get('parameters', ()))})"
        for path, operations in served.openapi()["paths"].items()
        for method, operation in operations.items()
    }

    listed = rows(text_of(page), page, "page")
    same({f"{row.first[0]} ({', '.join(CODE.findall(row.cell('parameters')))})" for row in listed}, there, page)


def section_of(path: str) -> str:
    """Pages of entries are the same in every section; those are listed once, by another test."""
    return re.sub(rf"/api/(?:{'|'.join(SECTIONS)})(?=/\{{|$)", "/api/{section}", path)


def test_every_section_of_entries() -> None:
    page = "docs/entries.md"
    documented = {
        row.first[0]: CODE.findall(row.cell("of the policy"))[0] for row in rows(text_of(page), page, "section")
    }

    assert documented == {word: ".".join(section.at) for word, section in SECTIONS.items()}


# --- the command ----------------------------------------------------------------------------------------------------


def verbs() -> Iterator[tuple[str, Any]]:
    """Every verb, as it is typed, with what typer made of it."""
    pending = [("governance", typer.main.get_command(app))]
    while pending:
        path, command = pending.pop()
        pending += [(f"{path} {name}", each) for name, each in getattr(command, "commands", {}).items()]
        if path != "governance":
            yield path, command


def parameters(command: Any, kind: str) -> list[Any]:
    return [parameter for parameter in command.params if parameter.param_type_name == kind]


def test_every_verb_with_its_arguments_and_options() -> None:
    page = "docs/cli.md"
    there = set()
    for path, command in verbs():
        given = [(each.metavar or each.name).lower() for each in parameters(command, "argument")]
        options = sorted(each.opts[0] for each in parameters(command, "option"))
        there.add(f"{' '.join([path, *given])}: {', '.join(options)}")

    documented = {
        f"{re.sub('[][<>]', '', row.first[0])}: {', '.join(sorted(CODE.findall(row.cell('options'))))}"
        for row in rows(text_of(page), page, "verb")
    }
    same(documented, there, page)


def test_every_option_with_its_short_form() -> None:
    page = "docs/cli.md"
    there = {", ".join(each.opts) for _, command in verbs() for each in parameters(command, "option")}
    listed = list(rows(text_of(page), page, "option"))

    same({", ".join(row.first) for row in listed}, there, page)
    assert [row.first for row in listed if not row.cell("means")] == [], "an option without a meaning"


# --- the environment ------------------------------------------------------------------------------------------------


def test_every_variable_of_the_environment() -> None:
    page = "docs/operations.md"
    read = {name for file in SOURCES for name in re.findall(r"[\"'$`{](GOVERNANCE_[A-Z_]+)", file.read_text("utf-8"))}
    assert "GOVERNANCE_POLICY" in read

    listed = rows(section(page, "Environment variables"), page, "variable")
    same({row.first[0] for row in listed if row.first[0].startswith("GOVERNANCE_")}, read, page)


def test_no_page_speaks_of_a_variable_that_nothing_reads() -> None:
    read = "\n".join(
        file.read_text("utf-8")
        for pattern in ("governance/**/*.py", "plugins/**/*.py", "tests/**/*.py", "Makefile", "deploy/**/*")
        for file in ROOT.glob(pattern)
        if file.is_file() and file != Path(__file__)
    )

    for page in documents():
        for name in re.findall(r"\bGOVERNANCE_[A-Z_]+\b", text_of(page)):
            assert name in read, f"{page}: {name}"


def documents() -> list[str]:
    files = [ROOT / "README.md", ROOT / "plugins" / "README.md", *(ROOT / "docs").rglob("*.md")]
    return [str(file.relative_to(ROOT)) for file in files]


# --- links ----------------------------------------------------------------------------------------------------------


def test_every_link_leads_somewhere() -> None:
    for page in documents():
        for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
            if link.startswith(("http://", "https://")):
                continue
            path, _, anchor = link.partition("#")
            target = (ROOT / page).parent / path if path else ROOT / page
            assert target.exists(), f"{page}: {link}"
            if anchor:
                assert anchor in map(anchored, headings(target.read_text("utf-8"))), f"{page}: {link}"


def anchored(heading: str) -> str:
    """As GitHub names a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
