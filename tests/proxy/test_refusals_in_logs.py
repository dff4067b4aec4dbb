"""What is raised for a refusal is one line: LiteLLM writes it to its log as it is."""

from __future__ import annotations

import pytest

from governance.model import Refusal
from governance.model.errors import PolicyError, Problem
from governance.proxy.keyholder import kept_out
from governance.proxy.translate import exception_from

FORGED = "no target for `gpt\n12:00:00 ERROR all keys are out\x1b[2J\u202e\u2028`"
WRITTEN = "no target for `gpt\\n12:00:00 ERROR all keys are out\\x1b[2J\\u202e\\u2028`"


@pytest.mark.parametrize("status", [400, 402, 403, 429, 503])
def test_a_refused_caller_forges_no_line(status: int) -> None:
    refused = exception_from(Refusal(status, "no_eligible_target", FORGED), "decision", {})

    assert refused.message == WRITTEN


def test_nor_does_who_is_not_let_in() -> None:
    assert kept_out(Refusal(403, "model_not_allowed", FORGED)).message == WRITTEN


def test_nor_does_a_policy() -> None:
    error = PolicyError([Problem("p.yaml", 3, 1, "budgets[0].a\rb", FORGED)])

    assert str(error) == f"p.yaml:3: budgets[0].a\\rb: {WRITTEN}"
