"""docs/architecture.md shows the house as it is: every room once, on its floor, and no file that is not there."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import CODE, ROOT, headings, prose, rows, same, section, text_of

PAGE = "docs/architecture.md"
ROOMS = list(rows(section(PAGE, "The house"), PAGE, "floor"))


def layers() -> list[list[str]]:
    """The floors of the core as import-linter holds them, the lowest first; without those that are not built yet."""
    tomllib = pytest.importorskip("tomllib", reason="TOML is read by Python 3.11 and newer")
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if each["id"] == "layers")
    core = ROOT / "governance"
    floors = []
    for layer in reversed(contract["layers"]):
        rooms = [re.sub(r"[() ]", "", room) for room in layer.split("|")]
        floors.append([room for room in rooms if (core / room).exists() or (core / f"{room}.py").exists()])
    return [floor for floor in floors if floor]


def test_every_room_is_named_on_its_floor_and_no_other_is() -> None:
    there = {f"{floor}. {room}" for floor, rooms in enumerate(layers(), 1) for room in rooms}
    named = {
        f"{row.cell('floor')}. {row.cell('room').strip('`/').removeprefix('governance/').removesuffix('.py')}"
        for row in ROOMS
        if row.cell("floor")
    }

    same(named, there, PAGE)


def test_every_package_is_a_room() -> None:
    core = ROOT / "governance"
    packages = {f"`governance/{file.parent.name}/`" for file in core.glob("*/__init__.py")}
    modules = {f"`governance/{file.name}`" for file in core.glob("*.py") if file.name != "__init__.py"}

    same({row.cell("room") for row in ROOMS} - {"`plugins/governance_plugins/`"}, packages | modules, PAGE)


def test_every_room_has_a_sentence() -> None:
    assert [row.cell("room") for row in ROOMS if len(row.cell("what it is for")) < 10] == []


def test_every_room_stands_in_the_picture() -> None:
    picture = re.search(r"```\n(.*?)```", section(PAGE, "The house"), re.DOTALL)
    assert picture

    for row in ROOMS:
        room = row.cell("room").strip("`/").rpartition("/")[2].removesuffix(".py")
        assert re.search(rf"\b{room}\b", picture[1]), f"{PAGE}: the picture has no room `{room}`"


def test_every_file_that_is_named_is_there() -> None:
    files = [
        name for name in CODE.findall(prose(text_of(PAGE))) if re.fullmatch(r"\S+(/|\.py|\.lua|\.md|\.toml)", name)
    ]

    assert len(files) > 40
    assert [path for path in files if not (ROOT / path).exists()] == []


def test_every_plugin_is_named() -> None:
    plugins = [folder.parent.name for folder in (ROOT / "plugins" / "governance_plugins").glob("*/plugin.py")]
    (row,) = (row for row in ROOMS if row.cell("room") == "`plugins/governance_plugins/`")
    told = row.cell("what it is for").lower()

    assert [name for name in plugins if name.replace("_", " ") not in told] == []


def test_it_stays_short_and_says_where_a_change_goes_in_ten_lines() -> None:
    assert headings(text_of(PAGE)) == [
        "Architecture",
        "The house",
        "The way of one request",
        "Where does my change go?",
    ]
    assert len(list(rows(section(PAGE, "Where does my change go?"), PAGE, "a"))) == 10
