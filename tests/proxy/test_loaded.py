"""What a worker of the proxy loads at its start, and what only when somebody needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_TOLD = """
import json, sys
import governance.proxy.handler, governance.proxy.opening
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def loaded() -> frozenset[str]:
    """The modules of a process that has imported what the callback imports."""
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    told = subprocess.run(
        [sys.executable, "-c", _TOLD], env=environment, cwd=Path(__file__).parents[2], capture_output=True, check=True
    )
    return frozenset(json.loads(told.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "late",
    [
        "governance.admin.router",
        "governance.pages",
        "governance.testing",
        "governance.backtest.run",
        "governance.usecases.change_policy",
        "governance_plugins",
        "cel_expr_python",
        "alembic",
        "psycopg",
        "sqlalchemy.dialects.postgresql",
        "sqlalchemy.orm",
    ],
)
def test_a_worker_that_starts_does_not_load(loaded: frozenset[str], late: str) -> None:
    assert not [name for name in loaded if name == late or name.startswith(f"{late}.")]


def test_a_worker_that_starts_loads_no_more_of_governance_than_now(loaded: frozenset[str]) -> None:
    """A module is some 25 KB. It was 403 while all pages, backtests and policy tests were among them."""
    assert len([name for name in loaded if name.partition(".")[0] == "governance"]) <= 360
