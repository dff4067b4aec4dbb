"""plugins/README.md says what plugin authors may rely on: every hook as it is, every door that is open."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module

import pytest

from governance import hookspecs
from governance.engine.host import HOOKS
from tests.docs.pages import CODE, ROOT, headings, rows, same, section, text_of

PAGE = "plugins/README.md"
DOORS = {row.first[0]: row for row in rows(section(PAGE, "What holds for all of them"), PAGE, "from")}


def test_every_hook_stands_there_with_its_exact_signature() -> None:
    specs = {name: spec for name, spec in vars(hookspecs).items() if hasattr(spec, "governance_spec")}
    assert set(specs) == set(HOOKS)

    signatures = {f"{name}{inspect.signature(spec)}".replace("'", "") for name, spec in specs.items()}

    same({text.strip("`") for text in headings(text_of(PAGE)) if "->" in text}, signatures, PAGE)


def test_every_member_that_the_host_asks_a_plugin_for_is_named() -> None:
    asked: set[str] = set()
    for file in (ROOT / "governance").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and len(call.args) > 1):
                continue
            of, name = call.args[:2]
            asks_a_plugin = call.func.id in ("getattr", "hasattr") and ast.unparse(of).endswith("plugin")
            if asks_a_plugin and isinstance(name, ast.Constant):
                asked.add(name.value)
    assert asked >= {"virtual_models", "warnings", "coverable", "on_error"}

    known = " ".join(CODE.findall(section(PAGE, "The contract")))

    assert {name for name in asked if name not in known} == set(), PAGE


@pytest.mark.parametrize("door", DOORS)
def test_a_door_has_the_names_that_it_is_said_to_have(door: str) -> None:
    module = import_module(door)
    named = [name for name in CODE.findall(DOORS[door].cell("for")) if name.isidentifier() and name not in built_in()]

    assert {name for name in named if not hasattr(module, name)} == set()


def built_in() -> set[str]:
    """Names of plugins, which are no names of modules."""
    return {folder.name for folder in (ROOT / "plugins" / "governance_plugins").iterdir()}


def test_built_in_plugins_come_through_the_doors_that_are_listed() -> None:
    used = set()
    for file in (ROOT / "plugins").rglob("*.py"):
        for found in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(found, ast.ImportFrom) and found.module and found.module.split(".")[0] == "governance":
                used.add(found.module)
                used |= {f"{found.module}.{name.name}" for name in found.names if found.module == "governance"}

    assert used - set(DOORS) == set(), f"{PAGE} lists no such door"


def test_no_door_is_listed_that_the_import_contract_keeps_shut() -> None:
    tomllib = pytest.importorskip("tomllib", reason="TOML is read by Python 3.11 and newer")
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if each["id"] == "public-door")
    open_ = [rule.partition(" -> ")[2] for rule in contract["ignore_imports"]]

    for door in set(DOORS) - {"governance", "governance.ledger"}:  # the ledger is for their tests, see there
        assert door in open_ or f"{door.rpartition('.')[0]}.*" in open_, door
