"""How the command speaks: tables and colour for people, JSON for programs, mistakes on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from governance.model.errors import GovernanceError, PolicyError

AsJson = Annotated[bool, typer.Option("--json", help="print JSON for programs")]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", "-p", help="the policy; default: $GOVERNANCE_POLICY or governance.yaml")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="the proxy's litellm.yaml: which models it serves")
]

INVALID, CANNOT_RUN = 1, 3


def policy_path(given: Path | None) -> Path:
    """The policy to use when none is named: the environment's, else the one in this folder."""
    if given:
        return given
    if os.environ.get("GOVERNANCE_POLICY"):
        return Path(os.environ["GOVERNANCE_POLICY"])
    return next(
        (p for p in (Path("governance.yaml"), Path("config/governance.yaml")) if p.exists()), Path("governance.yaml")
    )


def print_json(value: Any) -> None:
    """Pretty for people who pipe it nowhere, still one document."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a model's name comes from a caller and may hold anything
        text = json.dumps(value, indent=2)
    sys.stdout.write(text + "\n")


@contextmanager
def clear_errors(as_json: bool = False) -> Iterator[None]:
    """Mistakes in what we were given become lines on stderr (or JSON on stdout) and exit code 1."""
    try:
        yield
    except PolicyError as error:
        if as_json:
            print_json({"valid": False, "errors": [problem._asdict() for problem in error.problems]})
        else:
            sys.stderr.write(f"{error}\n")
            count = len(error.problems)
            sys.stderr.write(f"{count} {'mistake' if count == 1 else 'mistakes'}; nothing was changed\n")
        raise typer.Exit(INVALID) from None
    except GovernanceError as error:
        if as_json:
            print_json({"valid": False, "errors": [{"message": str(error)}]})
        else:
            sys.stderr.write(f"{error}\n")
        raise typer.Exit(INVALID) from None
