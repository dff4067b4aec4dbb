"""How the command speaks: tables and colour for people, JSON for programs, mistakes on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic_core import PydanticSerializationError, to_json

from governance.model.errors import GovernanceError, PolicyError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

AsJson = Annotated[bool, typer.Option("--json", help="print JSON for programs")]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", "-p", help="the policy; default: $GOVERNANCE_POLICY or governance.yaml")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="the proxy's litellm.yaml: which models it serves")
]

INVALID, CANNOT_RUN, CHANGES, FORBIDDEN = 1, 3, 4, 5
# So wide that nothing is folded: who reads a pipe, reads lines.
_PIPE_WIDTH: Final = 1_000_000


def console() -> Console:
    """Standard output for people: as wide as the terminal, and where it is none, as wide as what is said."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def show(*parts: RenderableType) -> None:
    """Tell people: a table, a tree or a sentence, one below the other. A line that may not be cut is not."""
    out = console()
    for part in parts:
        # The console makes a text of its own of each, which does not know that this one is not to be folded.
        whole = getattr(part, "no_wrap", None)
        out.print(part, crop=False, markup=False, no_wrap=whole, overflow="ignore" if whole else None)


def shown(text: str) -> str:
    """Text from elsewhere as a terminal may show it: what would steer the terminal is shown as its number."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{ord(c):04x}" for c in text)


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
    try:
        # In a tenth of the time of `json`, whose encoder in C does not indent.
        text = to_json(value, indent=2).decode()
        text.encode(sys.stdout.encoding or "utf-8")
    except (PydanticSerializationError, UnicodeEncodeError):  # a model's name comes from a caller and may hold anything
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
            sys.stderr.write("\n".join(map(shown, str(error).split("\n"))) + "\n")
        raise typer.Exit(INVALID) from None
