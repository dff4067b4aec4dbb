import re

from packaging.requirements import Requirement

from tests.compat.__main__ import LINES
from tests.compat.__main__ import PAGE as DOCUMENT
from tests.compat.environment import ROOT, NotInstallable, loosened
from tests.compat.report import BEGIN, END, ROW, Result, read, written

PAGE = f"Before.\n\n{BEGIN}{END}\nAfter.\n"
WORKS = Result("1.108.14", "2026-11-28", 95, 0, "works")
INDEX = {"a": "a==3", "companion": "companion==1.0"}


def newest(requirement: str) -> str:
    asked = Requirement(requirement)
    found = INDEX.get(asked.name)
    if found and asked.specifier.contains(found.partition("==")[2]):
        return found
    raise NotInstallable(requirement)


def test_the_documents_say_that_each_line_works_and_so_does_what_is_installed() -> None:
    rows = {row[0]: row[4] for row in ROW.findall(DOCUMENT.read_text("utf-8"))}
    locked = re.search(r"^litellm==(\S+) ", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)

    assert {".".join(version.split(".")[:2]) for version in rows} >= set(LINES)
    assert set(rows.values()) == {"works"}
    assert locked
    assert locked[1] in rows


def test_a_result_takes_the_place_of_the_older_one_of_its_line_and_leaves_the_others() -> None:
    page = written(PAGE, [WORKS, Result("1.109.3", "2026-11-28", 94, 1, "does not work")])
    page = written(page, [Result("1.109.10", "2026-12-01", 95, 0, "works")])

    rows = [line for line in page.splitlines() if line.startswith("| 1.")]
    assert rows == ["| 1.109.10 | 2026-12-01 | 95 | 0 | works |", "| 1.108.14 | 2026-11-28 | 95 | 0 | works |"]
    assert page.startswith("Before.\n\n")
    assert page.endswith("\nAfter.\n")


def test_an_older_version_of_a_line_is_shown_beside_the_newest() -> None:
    page = written(written(PAGE, [WORKS]), [WORKS._replace(version="1.108.9")])

    assert [line.split()[1] for line in page.splitlines() if line.startswith("| 1.")] == ["1.108.14", "1.108.9"]


def test_a_failure_and_an_error_count_alike_and_no_test_at_all_is_no_success(tmp_path) -> None:
    cases = {
        "": ("does not work", 0, 0),
        '<testcase classname="tests.e2e.test_a" name="ok"/>': ("works", 1, 0),
        '<testcase name="ok"/><testcase name="s"><skipped/></testcase>': ("works", 1, 0),
        '<testcase classname="tests.e2e.test_a" name="bad"><error/></testcase>': ("does not work", 0, 1),
        '<testcase name="ok"/><testcase classname="a" name="bad"><failure/></testcase>': ("does not work", 1, 1),
    }
    for text, expected in cases.items():
        (tmp_path / "report.xml").write_text(f"<testsuites><testsuite>{text}</testsuite></testsuites>")
        result, failed = read(tmp_path / "report.xml", "1.110.2", "2026-11-28")

        assert (result.verdict, result.passed, result.failed) == expected
        assert len(failed) == result.failed


def test_a_pin_that_the_index_cannot_meet_gives_way_to_the_newest_or_is_left_out() -> None:
    theirs = [
        "base>=1",
        "a==3; extra == 'proxy'",
        "companion==1.0.post1; extra == 'proxy'",
        "gone==1.110.2; extra == 'proxy'",
        "ranged[x]>=2,<3; sys_platform == 'never' and extra == 'proxy'",
        "other==1; extra == 'grpc'",
        "ranged[x]>=2,<3; extra == 'proxy'",
    ]

    asked, unmet = loosened(map(Requirement, theirs), newest)

    assert asked == ["a==3", "companion==1.0", "ranged[x]<3,>=2"]
    assert unmet == ["companion==1.0.post1: 1.0 instead", "gone==1.110.2: left out"]
