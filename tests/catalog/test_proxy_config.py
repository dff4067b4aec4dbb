"""What `litellm.yaml` says of models, read without LiteLLM."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.model.errors import PolicyError
from governance.policy.litellm_file import read_catalog, read_deployments

CONFIG = """
model_list:
  - model_name: smart
    litellm_params: {model: openai/gpt-4o}
  - {no: name}
router_settings:
  model_group_alias: {clever: smart, hidden: {model: smart, hidden: true}}
"""


def test_aliases_of_the_router_are_answered_by_what_they_stand_for(tmp_path: Path) -> None:
    file = tmp_path / "litellm.yaml"
    file.write_text(CONFIG)

    for name in ("smart", "clever", "hidden"):
        assert read_catalog(file).served_by(name) == (("openai", "gpt-4o"),), name


def test_entries_that_are_no_deployments_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "litellm.yaml"
    file.write_text(CONFIG)

    assert [entry["model_name"] for entry in read_deployments(file)] == ["smart"]
    assert read_deployments(None) == []


@pytest.mark.parametrize(
    "text", ["{}", "model_list:", "router_settings: {model_group_alias: [a]}", "router_settings: 7"]
)
def test_a_file_without_models_serves_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "litellm.yaml"
    file.write_text(text)

    assert read_catalog(file).names == ()


def test_a_model_list_that_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "litellm.yaml"
    file.write_text("model_list: {smart: openai/gpt-4o}")

    with pytest.raises(PolicyError, match="must be a list of LiteLLM deployments"):
        read_catalog(file)
