from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Command = Callable[..., Any]


def test_installed_plugins_are_listed_with_their_hooks(governance: Command) -> None:
    done = governance("plugins")

    assert done.exit_code == 0
    assert "routing_profiles" in done.stdout
    assert "select_targets" in done.stdout


def test_for_programs_plugins_are_json(governance: Command) -> None:
    listed = {row["name"]: row for row in json.loads(governance("plugins", "--json").stdout)["plugins"]}

    profiles = listed["routing_profiles"]
    assert profiles["class"] == "governance_plugins.routing_profiles:RoutingProfiles"
    assert profiles["distribution"] == "litellm-governance"
    assert profiles["hooks"] == ["select_targets"]
    assert profiles["summary"].startswith("Routing profiles: ")


def test_the_schema_describes_every_section_and_every_definition_it_refers_to(governance: Command) -> None:
    done = governance("schema")
    schema = json.loads(done.stdout)

    assert done.exit_code == 0
    assert schema["properties"].keys() >= {"version", "ledger", "access", "plugins", "routing_profiles"}
    assert schema["additionalProperties"] is False
    references = {text.split('"', 1)[0] for text in json.dumps(schema).split('"$ref": "#/$defs/')[1:]}
    assert references
    assert references <= schema["$defs"].keys()


def test_the_schema_shows_what_people_write(governance: Command) -> None:
    definitions = json.loads(governance("schema").stdout)["$defs"]
    limits = definitions["routing_profiles.TargetLimits"]["properties"]

    assert "60/minute" in json.dumps(limits["requests"])
    assert "5 USD/hour" in json.dumps(limits["cost"])


def test_help_names_every_verb(governance: Command) -> None:
    done = governance("--help")

    assert done.exit_code == 0
    for verb in ("serve", "demo", "check", "explain", "plugins", "schema"):
        assert verb in done.stdout
