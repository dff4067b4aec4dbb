"""Who spent what, by line: every micro-dollar once, and names within bounds."""

from __future__ import annotations

from typing import Any

from governance.traffic import Asked, Hop, Told, TraceLine, Used, Who, encoded
from governance.traffic.line import loaded
from governance.traffic.spent import MOST, OTHER, Cell, Sums, Tally, spent
from tests.traffic.conftest import Made


def raw(line: TraceLine) -> dict[str, Any]:
    found: dict[str, Any] = loaded(encoded(line))
    return found


def cells(line: TraceLine) -> list[tuple[Cell, Sums]]:
    return list(spent(raw(line)))


def test_a_request_counts_in_its_hour_for_whoever_asked_and_served(line: Made) -> None:
    ((cell, sums),) = cells(line(asked=Asked("fast/glm-4.7", tags=("b", "a"))))

    assert cell.hour_s == 1_796_212_800
    assert (cell.team, cell.key, cell.model, cell.target) == ("research", "k" * 64, "fast/glm-4.7", "openai/glm-4.7")
    assert (cell.profile, cell.tags, cell.code) == ("Fast", "a\x1fb", "")
    assert sums == Sums(1, 0, 812, 95, 12, 1840, 3)


def test_a_refusal_has_its_code_and_one_that_was_not_answered_has_failed(line: Made) -> None:
    ((refused, one),) = cells(line(told=Told("r", "refuse", code="tokens_exhausted"), hops=(), used=None))
    ((failed, two),) = cells(line(hops=(Hop("a/m", "failed"), Hop("b/m", "skipped")), used=None))

    assert (refused.code, refused.target, one) == ("tokens_exhausted", "", Sums(1))
    assert (failed.target, two) == ("a/m", Sums(1, 1))


def test_what_several_targets_delivered_is_each_ones_own(line: Made) -> None:
    hops = (Hop("a/m", "failed", part=Used(10, 1, 0, 12)), Hop("b/m", "ok"))

    assert [(cell.target, sums.requests, sums.usd_micros) for cell, sums in cells(line(hops=hops))] == [
        ("b/m", 1, 1840),
        ("a/m", 0, 12),
    ]


def test_a_late_answer_adds_what_it_used_and_no_request(line: Made) -> None:
    tally = Tally()
    tally.add(raw(line(1, used=None, hops=(Hop("a/m", "failed"),))))
    tally.add(raw(line(1, late=True, hops=(Hop("a/m", "ok"),))))

    assert list(tally.cells.values()) == [Sums(1, 0, 812, 95, 12, 1840, 3)]


def test_a_mirror_is_nobodys_spend(line: Made) -> None:
    ((cell, sums),) = cells(line(mirror_of="x"))

    assert (cell.team, cell.key, cell.target, sums.usd_micros) == ("", "", "openai/glm-4.7", 1840)


def test_money_that_nobody_knows_is_what_stays_counted(line: Made) -> None:
    ((_, sums),) = cells(line(used=Used(), counted=500))

    assert (sums.usd_micros, sums.kept_usd_micros, sums.failed) == (0, 500, 0)


def test_names_beyond_the_bound_are_put_together_and_nothing_is_lost(line: Made) -> None:
    tally = Tally()
    for number in range(MOST["user"] + 50):
        tally.add(raw(line(number, who=Who(user=f"u{number}"))))
    tally.add(raw(line(9, who=Who(user="u3"))))

    found, _, last = tally.taken()
    assert len(found) == MOST["user"] + 1
    assert sum(sums.requests for sums in found.values()) == MOST["user"] + 51
    assert next(sums for cell, sums in found.items() if cell.user == OTHER).requests == 50
    assert next(sums for cell, sums in found.items() if cell.user == "u3").requests == 2
    assert last == MOST["user"] + 49
    tally.add(raw(line(1, who=Who(user="another"))))
    assert next(iter(tally.cells)).user == OTHER, "the hour is as full as before"


def test_names_are_such_as_any_database_keeps(line: Made) -> None:
    model = "m\0" + "\ud800" + "é" * 400
    ((one, _),) = cells(line(asked=Asked(model)))
    ((two, _),) = cells(line(asked=Asked(model + "x")))

    assert len(one.model) <= 200
    assert "\0" not in one.model
    one.model.encode()
    assert one.model != two.model


def test_a_team_has_its_name_beside_its_id(line: Made) -> None:
    tally = Tally()
    tally.add(raw(line(who=Who(team="t-42", team_name="Research", key="5e", key_name="ci"))))

    assert tally.names == {("team", "t-42"): "Research", ("key", "5e"): "ci"}
