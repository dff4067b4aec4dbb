"""What files of `deploy/` may rely on, read from the code and the documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml
from typer.main import get_command

from governance.cli import app
from tests.docs.pages import ROOT, text_of

DEPLOY: Final = ROOT / "deploy"

# Python's and LiteLLM's own, which governance passes on or leaves alone (LiteLLM proxy_cli.py, proxy/shutdown).
OPTIONS_OF_LITELLM: Final = {"--num_workers", "--port", "--host"}
VARIABLES_OF_OTHERS: Final = {
    "GRACEFUL_SHUTDOWN_TIMEOUT",
    "LITELLM_LOCAL_MODEL_COST_MAP",
    "LITELLM_MASTER_KEY",
    "PORT",
    "PYTHONUNBUFFERED",
}
PATHS: Final = {"/governance/health", "/governance/metrics", "/health/liveliness"}


def yaml_of(path: str) -> Any:
    return yaml.safe_load((DEPLOY / path).read_text("utf-8"))


def version() -> str:
    found = re.search(r'^version = "(.+)"$', text_of("pyproject.toml"), re.MULTILINE)
    assert found
    return found[1]


def is_typed(arguments: list[str]) -> None:
    """Asserts that `governance ARGUMENTS` is a verb of ours with options that there are."""
    command: Any = get_command(app)
    while getattr(command, "commands", None) and not arguments[0].startswith("--"):
        assert arguments[0] in command.commands, arguments
        command, arguments = command.commands[arguments[0]], arguments[1:]
    known = {name for parameter in command.params for name in parameter.opts}
    if command.name == "serve":
        known |= OPTIONS_OF_LITELLM
    options = {argument.partition("=")[0] for argument in arguments if argument.startswith("--")}
    assert options <= known, options - known


def documented(variables: set[str], page: str = "docs/deployment.md") -> None:
    """Asserts that each variable stands as code on the page, or in the list of those that governance reads."""
    text = text_of(page) + text_of("docs/operations.md")
    assert {name for name in variables if not re.search(rf"\b{name}\b", text)} == set()


def files() -> list[Path]:
    return [path for path in DEPLOY.rglob("*") if path.is_file()]
