"""One value of a policy file changes, and every other character stays."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from governance.model.errors import PolicyError
from governance.policy.edit import edited, rewrite
from governance.policy.nodes import read_tree
from governance.policy.yaml_text import NotEditable

ACTIVE = ("task_routing", "active_profile")
CODE = ("task_routing", "overrides", "code")


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        (
            "version: 1\ntask_routing:\n  active_profile: eco   # cheap\n  # more\n  allow_header: true\n",
            ACTIVE,
            "premium",
            "version: 1\ntask_routing:\n  active_profile: premium   # cheap\n  # more\n  allow_header: true\n",
        ),
        ("task_routing: {}\n", ACTIVE, "eco", "task_routing: {active_profile: eco}\n"),
        ("task_routing:\n", ACTIVE, "eco", "task_routing: {active_profile: eco}\n"),
        (
            "task_routing: # none\nversion: 1\n",
            ACTIVE,
            "eco",
            "task_routing: {active_profile: eco} # none\nversion: 1\n",
        ),
        (
            "task_routing: {allow_header: true}  # x\n",
            CODE,
            "a/b",
            "task_routing: {allow_header: true, overrides: {code: a/b}}  # x\n",
        ),
        (
            "task_routing:\n  overrides:\n    fast: a/b # keep\n\n# end\nversion: 1\n",
            CODE,
            "c/d:8b",
            "task_routing:\n  overrides:\n    fast: a/b # keep\n    code: c/d:8b\n\n# end\nversion: 1\n",
        ),
        (
            "task_routing:\n  overrides:\n    Code: [a/b, c/d]\n",
            CODE,
            "e/f",
            "task_routing:\n  overrides:\n    Code: e/f\n",
        ),
        (
            "task_routing:\n  overrides:\n    code:\n      - a/b\n      - c/d\n    fast: g/h\n",
            CODE,
            "e/f",
            "task_routing:\n  overrides:\n    code: e/f\n    fast: g/h\n",
        ),
        ("task_routing:\n  overrides:\n    code: a/b\n", CODE, None, "task_routing:\n  overrides: {}\n"),
        (
            "task_routing:\n  overrides:\n    code: a/b  # why\n    fast: c/d\n",
            CODE,
            None,
            "task_routing:\n  overrides:\n    fast: c/d\n",
        ),
        ("task_routing: {overrides: {code: a, fast: b}}", CODE, None, "task_routing: {overrides: {fast: b}}"),
        ("task_routing: {overrides: {fast: b, code: a}}", CODE, None, "task_routing: {overrides: {fast: b}}"),
        ("version: 1\ntask_routing: {}\n", CODE, None, "version: 1\ntask_routing: {}\n"),
        ('{"task_routing": {}}', ACTIVE, "eco", '{"task_routing": {"active_profile": "eco"}}'),
        ("version: 1", ACTIVE, "eco", "version: 1\ntask_routing: {active_profile: eco}"),
        ("task_routing: {}\n", ACTIVE, "off", 'task_routing: {active_profile: "off"}\n'),
        ("task_routing:\r\n  active_profile: eco\r\n", ACTIVE, "x", "task_routing:\r\n  active_profile: x\r\n"),
    ],
)
def test_only_the_value_changes(text: str, path: tuple[str, ...], value: str | None, expected: str) -> None:
    assert edited(text, path, value) == expected


@pytest.mark.parametrize(
    "text",
    [
        "x: &a {code: a/b}\ntask_routing: {overrides: *a}\n",
        "task_routing: &a\n  overrides: {code: a/b}\nother: *a\n",
    ],
)
def test_what_an_alias_shares_is_not_changed(text: str) -> None:
    with pytest.raises(NotEditable, match=r"task_routing\.overrides\.code cannot be changed in place"):
        edited(text, CODE, "c/d")


KEYS = st.sampled_from(["a", "b", "Code", "fast", "overrides", "task_routing"])
TREES = st.recursive(
    st.sampled_from(["x", "y z", "", "# no", "- a", "true", "1"]), lambda t: st.dictionaries(KEYS, t, max_size=3)
)


@given(TREES.filter(lambda tree: isinstance(tree, dict)), st.booleans(), st.sampled_from(["a/b", "y", "a: b", None]))
def test_an_edit_does_what_was_meant_or_is_refused(tree: dict[str, object], flow: bool, value: str | None) -> None:
    text = yaml.safe_dump(tree, default_flow_style=flow)
    try:
        changed = edited(text, CODE, value)
    except (NotEditable, PolicyError):
        return
    after = read_tree(changed, "policy").data
    section = after.get("task_routing", {}) if isinstance(after, dict) else {}
    overrides = section.get("overrides", {}) if isinstance(section, dict) else {}
    found = {k.lower(): v for k, v in overrides.items()} if isinstance(overrides, dict) else {}
    assert found.get("code") == value


def test_a_file_is_replaced_only_when_the_check_passes(tmp_path: Path) -> None:
    file, link = tmp_path / "policy.yaml", tmp_path / "link.yaml"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)

    def refuse(_: Path) -> None:
        raise PolicyError([])

    with pytest.raises(PolicyError):
        rewrite(link, "new", refuse)
    assert file.read_text() == "old"
    rewrite(link, "new", lambda new: None)
    assert (file.read_text(), link.is_symlink(), file.stat().st_mode & 0o777) == ("new", True, 0o640)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "policy.yaml"]
