"""Verbs about the policy itself: check, plugins, schema."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from governance.cli.discovered import known_models
from governance.cli.table import Table
from governance.cli.terminal import AsJson, ConfigOption, clear_errors, policy_path, print_json, show

policy = typer.Typer(no_args_is_help=True, help="Compare policies, plan changes, put them in force, and see who did.")


def check(
    policy: Annotated[Path | None, typer.Argument(help="default: $GOVERNANCE_POLICY or governance.yaml")] = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Validate a policy: every mistake with file and line, exit code 1; warnings for what can never work."""
    from governance.engine.host import Host
    from governance.policy.litellm_file import read_catalog
    from governance.usecases.check import warnings_of

    with clear_errors(as_json):
        path = policy_path(policy)
        host = Host.load(path)
        catalog = read_catalog(config, known_models(host.policy))
        warnings = warnings_of(host, catalog, config, time.time())
        sections = {name: _size(host.policy.sections[name]) for name in host.policy.order}
        if as_json:
            print_json(
                {
                    "valid": True,
                    "policy": str(path),
                    "revision": host.policy.revision,
                    "plugins": sections,
                    "warnings": warnings,
                }
            )
            return
        contents = ", ".join(f"{name} ({size})" if size is not None else name for name, size in sections.items())
        typer.echo(f"{path}: valid; {contents or 'no plugins, so nothing is governed'}")
        for warning in warnings:
            typer.secho(f"warning: {warning}", fg=typer.colors.YELLOW)


def plugins(as_json: AsJson = False) -> None:
    """List the installed plugins: what each is for, which hooks it has, where it comes from."""
    from governance.engine.host import HOOKS
    from governance.engine.plugins import PluginFault, installed, plugin_class

    rows: list[dict[str, Any]] = []
    for name, entry in sorted(installed().items()):
        row: dict[str, Any] = {"name": name, "class": entry.value, "distribution": None, "version": None}
        if entry.dist:
            row |= {"distribution": entry.dist.name, "version": entry.dist.version}
        try:
            found = plugin_class(name)
            row["hooks"] = [hook for hook in HOOKS if hasattr(found, hook)]
            row["summary"] = _summary(found)
        except PluginFault as error:
            row["error"] = str(error)
        rows.append(row)
    if as_json:
        print_json({"plugins": rows})
        return
    table = Table("plugin", "from", "hooks", "what it does", names=("plugin",))
    for row in rows:
        source = f"{row['distribution']} {row['version']}" if row["distribution"] else "unknown"
        table.add(row["name"], source, ", ".join(row.get("hooks", ())), row.get("summary") or row.get("error", ""))
    show(table)


def schema() -> None:
    """Print the JSON Schema of a policy, with the sections of all installed plugins (for editors and CI)."""
    from governance.engine.plugins import installed, section_model
    from governance.policy.document import Core

    with clear_errors():
        document = Core.model_json_schema()
        definitions = document.setdefault("$defs", {})
        for name in sorted(installed()):
            # A plugin's definitions get its name, so that two plugins may call a model alike.
            section = section_model(name).model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
            definitions |= {f"{name}.{key}": value for key, value in section.pop("$defs", {}).items()}
            document["properties"][name] = section
        document |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "litellm-governance policy"}
        print_json(document)


def _size(section: Any) -> int | None:
    root = getattr(section, "root", None)
    return len(root) if isinstance(root, (list, tuple)) else None


def _summary(found: type) -> str:
    import inspect
    import sys

    package = sys.modules.get(found.__module__.rpartition(".")[0])
    text = inspect.getdoc(package) or inspect.getdoc(found) or ""
    return text.strip().splitlines()[0] if text else ""
