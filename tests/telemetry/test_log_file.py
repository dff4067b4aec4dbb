from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from governance.telemetry.log_file import LogFile
from tests.patience import ANSWER_S

WRITER = """
import sys
from governance.telemetry.log_file import LogFile
path, name, count, rotate_bytes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
file = LogFile(path, rotate_bytes, 1000)
print("open", flush=True)
sys.stdin.readline()
for number in range(0, count, 4):
    file.append([f"{name} {n} {'x' * (n % 9000)}\\n".encode() for n in range(number, number + 4)])
"""


def lines_of(folder: Path) -> list[str]:
    return [line for file in folder.iterdir() for line in file.read_text().splitlines()]


def test_two_processes_write_and_rotate_one_file_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [
        subprocess.Popen([*command, name, "600", "100000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
    for writer in writers:
        writer.communicate("go\n", timeout=ANSWER_S)

    assert [writer.returncode for writer in writers] == [0, 0]
    expected = {f"{name} {n} {'x' * (n % 9000)}" for name in ("a", "b") for n in range(600)}
    assert sorted(lines_of(tmp_path)) == sorted(expected)
    assert len(list(tmp_path.iterdir())) > 2, "it was rotated"


def test_a_full_file_gets_a_number_and_the_oldest_goes(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log", rotate_bytes=10, keep_files=2)
    for number in range(5):
        file.append([f"line number {number}\n".encode()])

    contents = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert contents == {"log": "line number 4\n", "log.1": "line number 3\n", "log.2": "line number 2\n"}


def test_two_that_find_it_full_rotate_it_once(tmp_path: Path) -> None:
    first, second = (LogFile(tmp_path / "log", rotate_bytes=10) for _ in range(2))
    first.append([b"more than ten bytes\n"])
    first.append([b"a\n"])
    second.append([b"b\n"])

    contents = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert contents == {"log": "a\nb\n", "log.1": "more than ten bytes\n"}


@pytest.mark.parametrize("away", [os.remove, lambda path: os.replace(path, f"{path}.old")])
def test_a_file_that_another_program_took_away_is_begun_anew(tmp_path: Path, away) -> None:
    path = tmp_path / "log"
    file = LogFile(path)
    file.append([b"before\n"])
    away(str(path))
    file.append([b"after\n"])

    assert path.read_text() == "after\n"


def test_a_folder_that_is_away_is_an_error_until_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    file = LogFile(folder / "log")
    (folder / "log").unlink()
    folder.rmdir()
    with pytest.raises(FileNotFoundError):
        file.append([b"lost\n"])
    folder.mkdir()
    file.append([b"back\n"])

    assert (folder / "log").read_text() == "back\n"


def test_a_line_that_the_disk_cut_spoils_no_other(tmp_path: Path) -> None:
    """The kernel's limit on the size of a file stands for a full disk: it too writes a part and then refuses."""
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    file = LogFile(tmp_path / "log")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (15, before[1]))
        file.append([b"whole line\n"])
        with pytest.raises(OSError, match="File too large"):
            file.append([b"cut in two\n"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    file.append([b"whole again\n"])

    assert (tmp_path / "log").read_text() == "whole line\ncut \nwhole again\n"


def test_a_pipe_gets_line_after_line(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    LogFile(path, rotate_bytes=10).append([b"first line\n", b"second line\n"])

    assert os.read(reader, 100) == b"first line\nsecond line\n"
    os.close(reader)
