"""Verbs that bring a policy in from elsewhere and take it out again: `policy import` and `policy export`."""

from __future__ import annotations

import json
import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from governance.cli.terminal import AsJson, clear_errors, policy_path, print_json
from governance.model.errors import PolicyError, StoreUnavailable

if TYPE_CHECKING:
    from governance.policy.import_litellm import Imported


class Shape(str, Enum):
    """How a policy is written."""

    yaml = "yaml"
    json = "json"
    plugin = "plugin"


def import_policy(
    file: Annotated[
        Path | None, typer.Argument(help="a gateway plugin's configuration, or LiteLLM's litellm.yaml")
    ] = None,
    litellm_database: Annotated[
        bool, typer.Option("--litellm-database", help="keys, teams and budgets of LiteLLM's database at $DATABASE_URL")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print a policy made of another configuration, with remarks on what has no place in it. Nothing is changed."""
    from governance.engine.plugins import installed, section_model
    from governance.policy import parse_policy

    if (file is None) is not litellm_database:
        raise typer.BadParameter("names one FILE, or --litellm-database instead of it")
    with clear_errors(as_json):
        document, remarks = _of_database() if file is None else _imported(file)
        text = _as_yaml(document)
        parse_policy(text, "the policy made of it", installed(), section_model, os.environ)
    if as_json:
        print_json({"policy": document, "remarks": list(remarks)})
        return
    for remark in remarks:
        typer.echo(f"# {remark}")
    typer.echo(text, nl=False)


def export(
    policy: Annotated[Path | None, typer.Argument(help="default: $GOVERNANCE_POLICY or governance.yaml")] = None,
    shape: Annotated[
        Shape, typer.Option("--as", help="as it is written, as JSON, or as a gateway plugin's configuration")
    ] = Shape.yaml,
) -> None:
    """Print the policy, once it is found valid: as it is written, `${NAME}` included, or in another form."""
    from governance.engine.host import Host
    from governance.policy.written import Written

    with clear_errors():
        valid = Host.load(policy_path(policy)).policy
        if shape is Shape.yaml:
            typer.echo(valid.text, nl=False)
            return
        document = dict(Written.of(valid).document)
        print_json(document if shape is Shape.json else _wrapped(document))


def _of_database() -> Imported:
    from governance.policy.import_litellm_database import import_litellm_database
    from governance.store.litellm_database import read_litellm_database

    url = os.environ.get("DATABASE_URL", "")
    if not url:
        raise StoreUnavailable("$DATABASE_URL is not set: it says where LiteLLM's database is, as to LiteLLM itself")
    return import_litellm_database(read_litellm_database(url))


def _imported(file: Path) -> Imported:
    from governance.engine.host import Host
    from governance.policy.document import is_wrapped
    from governance.policy.import_litellm import Imported, import_litellm
    from governance.policy.litellm_file import read_config
    from governance.policy.load import read_text
    from governance.policy.nodes import read_tree
    from governance.policy.written import Written

    tree = read_tree(read_text(file), file.name)
    if tree.data is None or not isinstance(tree.data, dict):
        raise PolicyError([tree.problem((), "is neither a gateway plugin's configuration nor a litellm.yaml")])
    if not is_wrapped(tree.data):
        return import_litellm(read_config(file))
    remarks = ("the plugin is disabled, so nothing is governed",) if tree.data.get("enabled") is False else ()
    return Imported({"version": 1, **Written.of(Host.load(file).policy).document}, remarks)


def _as_yaml(document: dict[str, Any]) -> str:
    from governance.policy.yaml_text import reads_as_itself

    class Dumper(yaml.SafeDumper):
        """Quotes what would be read as something else than text."""

    def text(dumper: yaml.SafeDumper, word: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", word, style=None if reads_as_itself(word) else '"')

    Dumper.add_representer(str, text)
    dumped: str = yaml.dump(
        document, Dumper=Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110
    )
    return dumped


def _wrapped(document: dict[str, Any]) -> dict[str, Any]:
    config = json.loads(json.dumps(document))
    access = config.get("access")
    mandatory = access.pop("require_key", False) if isinstance(access, dict) else False
    if access == {}:
        del config["access"]
    return {"name": "governance", "enabled": True, "config": {"is_vk_mandatory": mandatory, **config}}
