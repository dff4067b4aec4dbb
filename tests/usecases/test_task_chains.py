"""Chains of a profile, changed one by one."""

from __future__ import annotations

from governance.usecases.task_chains import with_profile

POLICY = """version: 1
task_routing:
  profiles:
    mine:
      Code: [a/b, c/d]  # the best of them
      fallback: a/b
"""


def test_a_task_that_nobody_touches_stays_as_and_where_it_was_written() -> None:
    assert with_profile(POLICY, "mine", {"code": "a/b, c/d", "fallback": "a/b"}) == POLICY

    changed = with_profile(POLICY, "mine", {"code": "a/b", "fallback": "a/b"})

    assert changed.splitlines()[4].startswith("      Code: a/b")
