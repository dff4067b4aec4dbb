"""The rules of the house find what they are for, and leave alone what is right."""

from pathlib import Path

import pytest

from tests.house_rules import CLOCKS, Source, faults, main

BROKEN = {
    "time.time() outside a clock": "import time\nnow_s = time.time()\n",
    "datetime.now() outside a clock": "from datetime import datetime\nnow = datetime.now()\n",
    "write `import time`": "from time import time\nnow_s = time()\n",
    "a commit outside": "session.commit()\n",
    "a broad `except` without a reason": "try:\n    run()\nexcept Exception:\n    pass\n",
    "a broad `except`": "try:\n    run()\nexcept:\n    pass\n",
    "or narrow it": "try:\n    run()\nexcept (ValueError, BaseException):\n    pass\n",
    "`suppress` of everything": "with suppress(Exception):\n    run()\n",
    "301 lines": "x = 1\n" * 301,
}

RIGHT = {
    "a clock that is given": "import time\ndef age(clock=time.time):\n    return clock()\n",
    "a duration": "import time\nbegan_s = time.monotonic()\n",
    "a reason on the line": "try:\n    run()\nexcept Exception:  # whatever a stranger's code raises\n    pass\n",
    "a reason below it": "try:\n    run()\nexcept Exception:\n    # Whatever a stranger's code raises.\n    pass\n",
    "a narrow one": "try:\n    run()\nexcept ValueError:\n    pass\n",
    "300 lines": "x = 1\n" * 300,
}


@pytest.mark.parametrize("message", BROKEN)
def test_what_breaks_a_rule_is_found(message: str) -> None:
    found = faults(Source("governance/engine/new.py", BROKEN[message]))

    assert any(message in fault.message for fault in found), found


@pytest.mark.parametrize("what", RIGHT)
def test_what_is_right_is_left_alone(what: str) -> None:
    assert faults(Source("governance/engine/new.py", RIGHT[what])) == []


def test_the_unit_of_work_commits() -> None:
    assert faults(Source("governance/store/unit_of_work.py", "session.commit()\n")) == []


def test_a_clock_that_no_longer_tells_the_time_is_no_clock() -> None:
    (fault,) = faults(Source(next(iter(CLOCKS)), "x = 1\n"))

    assert "take it out of CLOCKS" in fault.message


@pytest.mark.parametrize("text", ["", '"""No sentence"""\n', "from x import y\n"])
def test_a_room_opens_with_a_sentence(text: str) -> None:
    (fault,) = faults(Source("governance/store/__init__.py", text))

    assert "a room without a sentence" in fault.message


@pytest.mark.parametrize("line", ["{{ name|safe }}", "{{ name | safe }}", '<a hx-on:click="go()">'])
def test_templates_neither_pass_markup_on_nor_hold_script(line: str) -> None:
    assert len(faults(Source("governance/web/templates/page.html", f"<p>\n{line}\n"))) == 1


@pytest.mark.parametrize("call", ["httpx.get(url)", "httpx.Client(base_url=url)", "httpx.stream('POST', url, json={})"])
def test_tests_wait_for_what_is_slow(call: str) -> None:
    assert len(faults(Source("tests/e2e/test_new.py", f"import httpx\n{call}\n"))) == 1
    assert faults(Source("tests/e2e/test_new.py", f"import httpx\n{call[:-1]}, timeout=ANSWER_S)\n")) == []


def test_this_house_keeps_its_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0, capsys.readouterr().out


def test_a_house_that_breaks_them_is_told_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room = tmp_path / "governance" / "store"
    room.mkdir(parents=True)
    (room / "tables.py").write_text("session.commit()\n")

    assert main(tmp_path) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("governance/store:1: a room without `__init__.py`")
    assert any(line.startswith("governance/store/tables.py:1: a commit outside") for line in told)
