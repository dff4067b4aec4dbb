"""Every bad policy is a file in `bad/`; the text file of the same name holds all that is said about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from governance.model.errors import PolicyError
from governance.policy import Policy

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
Load = Callable[[Path], Policy]


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_every_mistake_is_told_with_file_line_and_what_would_be_right(load: Load, file: Path) -> None:
    with pytest.raises(PolicyError) as refused:
        load(file)

    assert str(refused.value) + "\n" == file.with_suffix(".txt").read_text("utf-8")


@pytest.mark.parametrize("file", [file for file in BAD if "secret" in file.stem], ids=lambda file: file.stem)
def test_what_the_environment_holds_is_never_repeated(load: Load, file: Path) -> None:
    with pytest.raises(PolicyError) as refused:
        load(file)

    assert "hunter2" not in str(refused.value).lower()
    assert "pa#ss" not in str(refused.value)
    assert "fortnight" not in str(refused.value)


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_mistakes_come_in_the_order_of_the_file_one_line_each(load: Load, file: Path) -> None:
    with pytest.raises(PolicyError) as refused:
        load(file)

    lines = [problem.line for problem in refused.value.problems]
    assert lines == sorted(lines)
    assert len(str(refused.value).splitlines()) == len(lines)
    assert all(problem.source == file.name for problem in refused.value.problems)


def test_no_expected_message_has_lost_its_policy() -> None:
    folder = Path(__file__).parent / "bad"

    assert sorted(file.stem for file in folder.glob("*.txt")) == [file.stem for file in BAD]


def test_a_missing_file_is_told_by_its_full_name(load: Load, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as refused:
        load(tmp_path / "governance.yaml")

    assert str(refused.value) == f"{tmp_path}/governance.yaml: cannot be read: No such file or directory"


def test_a_directory_is_no_policy(load: Load, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as refused:
        load(tmp_path)

    assert str(refused.value) == f"{tmp_path}: cannot be read: Is a directory"


@pytest.mark.parametrize(
    ("content", "byte"), [(b"version: 1\n# caf\xe9\n", 16), (b"\xff\xfev\x00", 0), (b"\x80", 0)], ids=repr
)
def test_a_file_that_is_not_utf_8_is_refused(load: Load, tmp_path: Path, content: bytes, byte: int) -> None:
    file = tmp_path / "governance.yaml"
    file.write_bytes(content)

    with pytest.raises(PolicyError) as refused:
        load(file)

    assert str(refused.value) == f"{file}: is not UTF-8 text (byte {byte})"


def test_a_byte_order_mark_is_no_mistake(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "governance.yaml"
    file.write_bytes(b"\xef\xbb\xbfversion: 1\n")

    assert load(file).core.version == 1


def test_what_stands_in_the_file_alone_tells_no_full_path(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "governance.yaml"
    file.write_text("version: 2\n")

    with pytest.raises(PolicyError) as refused:
        load(file)

    assert str(refused.value) == "governance.yaml:1: version: must be 1"
