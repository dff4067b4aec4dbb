"""Real patterns of configurations: the file's reader and LiteLLM's own router agree on who serves."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import litellm
import pytest

from governance.catalog import Catalog, installed_prices
from governance.policy.litellm_file import read_catalog, read_config
from governance.proxy.router import deployments, routing_groups
from tests.catalog.configurations import Configuration, configurations

CORPUS = configurations()


def test_there_are_configurations_enough() -> None:
    assert len(CORPUS) >= 20


@pytest.mark.parametrize("given", CORPUS, ids=lambda given: given.name)
def test_the_reader_of_the_file_finds_the_deployments_that_must_serve(given: Configuration, tmp_path: Path) -> None:
    catalog = read_catalog(given.write(tmp_path), environment=given.environment)

    found = {target: [each.id for each in catalog.deployments(target)] for target in given.targets}
    served = {target: ids if catalog.call_name(target) is not None else [] for target, ids in found.items()}
    assert served == given.targets


@pytest.mark.parametrize("given", CORPUS, ids=lambda given: given.name)
def test_litellms_router_reaches_those_and_no_others(
    given: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = given.write(tmp_path)
    for name, value in given.environment.items():
        monkeypatch.setenv(name, value)
    config = read_config(file)
    settings: dict[str, Any] = config.get("router_settings", {})
    # As the proxy makes it.
    router = litellm.Router(model_list=config["model_list"], num_retries=0, ignore_invalid_deployments=True, **settings)
    groups = {name: list(group.models) for name, group in routing_groups(router).items()}
    catalog = Catalog(deployments(router), installed_prices(), read_catalog(file).aliases, routing_groups=groups)

    for target, expected in given.targets.items():
        call_name = catalog.call_name(target)
        assert call_name == read_catalog(file, environment=os.environ).call_name(target), target
        reached = {_reached(router, call_name) for _ in range(12 * len(expected))} if call_name is not None else set()
        assert reached <= set(expected), target
        assert reached or not expected, target


def _reached(router: litellm.Router, name: str) -> str:
    message = [{"role": "user", "content": "hello"}]
    answer = asyncio.run(router.acompletion(model=name, messages=message, mock_response="hello"))
    return str(answer._hidden_params["model_id"])
