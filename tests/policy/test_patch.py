"""A patch makes one text of the other."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from governance.policy.patch import patch

TEXTS = ["", "a\n", "a", "a\nb\n", "b\na", "a\x0bb\u2028c\nd\r\ne\n", "a\n" * 9 + "b\n", "\n\n", "# no\n" + "a\n" * 9]


@pytest.mark.parametrize("before", [text for text in TEXTS if text])
def test_git_applies_it(before: str, tmp_path: Path) -> None:
    file, patches = tmp_path / "governance.yaml", tmp_path / "all.patch"
    for after in TEXTS:
        file.write_bytes(before.encode())
        told = patch(before, after, "governance.yaml")
        if before == after:
            assert told == ""
            continue
        patches.write_bytes(told.encode())
        subprocess.run(["git", "apply", "--whitespace=nowarn", patches.name], cwd=tmp_path, check=True)

        assert file.read_bytes().decode() == after
