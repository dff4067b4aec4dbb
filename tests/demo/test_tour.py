"""What the demo prints can be pasted."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from governance.demo.tour import tour


def test_commands_can_be_pasted_in_a_folder_whose_name_has_blanks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "governance").touch()
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    policy = folder / "demo.yaml"

    text = tour("http://127.0.0.1:4000", "http://127.0.0.1:4001", policy, "sk-demo")

    asked = [shlex.split(line) for line in re.findall(r"(echo .*explain .*)$", text, re.MULTILINE)]
    assert len(asked) == 4
    assert {(words[3], words[-1]) for words in asked} == {(str(folder / "governance"), str(policy))}
    (watched,) = re.findall(r"(LITELLM_MASTER_KEY=.* usage .*)$", text, re.MULTILINE)
    assert shlex.split(watched)[1] == str(folder / "governance")
