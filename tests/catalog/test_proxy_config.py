"""What `litellm.yaml` says of models, read without LiteLLM."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from governance.catalog import taken_names, target_remark
from governance.model.errors import PolicyError
from governance.policy.litellm_file import read_catalog, read_config, read_deployments

CONFIG = """
model_list:
  - model_name: smart
    litellm_params: {model: openai/gpt-4o}
  - {no: name}
router_settings:
  model_group_alias: {clever: smart, hidden: {model: smart, hidden: true}}
"""

BAD = Path(__file__).parent.parent / "policy" / "bad"


def _told(file: Path) -> str:
    return file.with_suffix(".txt").read_text("utf-8").strip()


MISTAKES = [file for file in sorted(BAD.glob("*.yaml")) if "not valid YAML" in _told(file)]


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


def test_included_files_come_after_what_includes_them_and_each_counts_once(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "litellm.yaml").write_text("include: [more/a.yaml, more/a.yaml]\nmodel_list: [{model_name: first}]\n")
    (tmp_path / "more" / "a.yaml").write_text(
        "include: [b.yaml, root.yaml, ../litellm.yaml]\nmodel_list: [{model_name: a}]\n"
        "router_settings: {num_retries: 1}\n"
    )
    (tmp_path / "more" / "b.yaml").write_text("model_list: [{model_name: b}]\nrouter_settings: {num_retries: 2}\n")
    (tmp_path / "root.yaml").write_text("model_list: [{model_name: root}]\n")
    config = read_config(tmp_path / "litellm.yaml")

    assert [entry["model_name"] for entry in config["model_list"]] == ["first", "a", "b", "root"]
    assert config["router_settings"] == {"num_retries": 2}
    assert "include" not in config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("include: models.yaml", "litellm.yaml: include: must be a list of file paths"),
        ("include: [none.yaml]", "none.yaml: cannot be read: No such file or directory"),
    ],
)
def test_an_include_that_cannot_be_followed_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "litellm.yaml").write_text(text)

    with pytest.raises(PolicyError, match=message):
        read_catalog(tmp_path / "litellm.yaml")


@pytest.mark.parametrize("name", ["litellm.yaml", "more.yaml"], ids=["itself", "included"])
@pytest.mark.parametrize("file", MISTAKES, ids=lambda file: file.stem)
def test_what_is_no_yaml_is_told_in_the_words_of_a_policy(tmp_path: Path, file: Path, name: str) -> None:
    (tmp_path / "litellm.yaml").write_text("include: [more.yaml]\n")
    shutil.copy(file, tmp_path / name)
    with pytest.raises(PolicyError) as refused:
        read_catalog(tmp_path / "litellm.yaml")

    assert str(refused.value) == f"{tmp_path / name}{_told(file).removeprefix(file.name)}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2026-13-45\n", ":2: not valid YAML: `2026-13-45` looks like a date and is none; put it in quotes"),
        ("a: 1\nb: [-0b_]\n", ":2: not valid YAML: `-0b_` looks like a number and is none; put it in quotes"),
        ("a: !!int x\n", ":1: not valid YAML: `x` looks like a number and is none; put it in quotes"),
        ("a: !!python/name:os.system x\n", ":1: not valid YAML: the tag `!!python/name:os.system` means nothing here"),
        ("a:\n  b: !secret x\n", ":2: not valid YAML: the tag `!secret` means nothing here"),
        ("a: =\n", ":1: not valid YAML: `=` cannot begin a value; put the value in quotes"),
        ("a:\n  ? [b]\n  : c\n", ":2: not valid YAML: a list or a mapping stands where a key must be"),
        ("a:\n  <<: b\n", ":2: not valid YAML: `<<` takes over a mapping, and this is none"),
        (f"a: {'[' * 5000}{']' * 5000}\n", ": nested too deeply"),
    ],
)
def test_values_that_cannot_be_read_are_told_on_their_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "litellm.yaml"
    file.write_text(text)
    with pytest.raises(PolicyError) as refused:
        read_catalog(file)

    assert str(refused.value) == f"{file}{message}"


def test_variables_are_those_of_the_environment_and_of_the_file_itself(tmp_path: Path) -> None:
    file = tmp_path / "litellm.yaml"
    file.write_text(
        "environment_variables: {OWN: groq/x}\n"
        "model_list:\n"
        "- {model_name: a, litellm_params: {model: os.environ/OWN, api_key: os.environ/SECRET}}\n"
        "- {model_name: b, litellm_params: {model: os.environ/OTHERS}}\n"
        "- {model_name: c, litellm_params: {model: os.environ/NOT_SET}}\n"
    )
    catalog = read_catalog(file, environment={"OTHERS": "openai/gpt-4o", "SECRET": "s"})

    assert (catalog.call_name("groq/x"), catalog.call_name("openai/gpt-4o")) == ("a", "b")
    assert target_remark(catalog, "openai/gpt-4.1") == (
        "the proxy serves no `openai/gpt-4.1`; this target will never be chosen"
        " (models are named by variables that are not set here: NOT_SET)"
    )


def test_names_that_a_virtual_provider_takes_are_told(tmp_path: Path) -> None:
    file = tmp_path / "litellm.yaml"
    params = "litellm_params: {model: openai/gpt-4o}"
    names = ("Together/llama", "together/*", "other")
    file.write_text("model_list:\n" + "".join(f"- {{model_name: {name}, {params}}}\n" for name in names))

    assert taken_names(read_catalog(file), "together") == ("Together/llama", "together/*")
