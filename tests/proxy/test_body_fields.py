"""The table of what LiteLLM obeys, against the installed LiteLLM."""

import re
from pathlib import Path

import litellm
import pytest
from litellm.constants import DEFAULT_CHAT_COMPLETION_PARAM_VALUES
from litellm.types.llms.openai import ResponsesAPIOptionalRequestParams

from governance.proxy import body_fields
from governance.proxy.body_fields import classified, own_names
from governance.proxy.field_types import typed

LITELLM = Path(litellm.__file__).parent
# Where LiteLLM decides what to do with a call, before it is about any provider.
DECIDING = ("router.py", "main.py", "proxy/route_llm_request.py", "responses/main.py", "images/main.py")
TAKEN = re.compile(r"\bkwargs\.(?:get|pop)\(\s*[\"']([\w-]+)[\"']")
# Arguments of its own functions for batches, files, fine-tuning and lists of messages, none of them a governed call.
NOT_OF_BODIES = {"first_message", "response_id", "purpose", "container_id", "acreate_batch", "acreate_fine_tuning_job"}
HEADER_READ = re.compile(r"(?<!response_)(?<!additional_)(?<!hidden_)\bheaders\.get\(\s*[\"'](x-litellm-[a-z-]+)[\"']")


def test_every_name_that_litellm_declares_as_its_own_is_in_the_table() -> None:
    assert sorted(name for name in own_names() if classified(name) is None) == []


def test_every_name_that_litellm_takes_out_of_a_call_is_in_the_table() -> None:
    taken = {name for file in DECIDING for name in TAKEN.findall((LITELLM / file).read_text("utf-8"))}

    assert len(taken) > 40
    assert sorted(name for name in taken - NOT_OF_BODIES if classified(name) is None) == []


def test_every_header_that_litellm_reads_is_in_the_table() -> None:
    read = {name for file in LITELLM.rglob("*.py") for name in HEADER_READ.findall(file.read_text("utf-8", "replace"))}

    # Of what another service answers.
    read -= {"x-litellm-response-cost"}

    assert len(read) > 4
    assert read - body_fields.HEADERS - body_fields.HEADERS_REFUSED == set()


def test_a_name_is_in_one_class_alone() -> None:
    classes = (body_fields.OURS, body_fields.HARMLESS, body_fields.API, body_fields.REFUSED)

    assert sum(map(len, classes)) == len(frozenset().union(*classes))
    assert not [name for names in classes[:3] for name in names if body_fields.REFUSED_FAMILIES.fullmatch(name)]


def test_every_name_that_passes_has_a_type() -> None:
    mocks = {name for name in body_fields.OURS if name.startswith(body_fields.MOCKS)}
    passing = body_fields.OURS | body_fields.HARMLESS | body_fields.API

    assert sorted(passing - mocks - typed()) == []


def test_no_field_of_an_api_is_refused() -> None:
    own = {"custom_llm_provider", "deployment_id", "default_headers", "additional_drop_params"}
    fields = {*DEFAULT_CHAT_COMPLETION_PARAM_VALUES, *ResponsesAPIOptionalRequestParams.__annotations__} - own

    assert sorted(name for name in fields if classified(name) not in ("harmless", "ours")) == []


@pytest.mark.parametrize(
    "name",
    ["deployment_id", "azure", "custom_llm_provider", "specific_deployment", "client", "vertex_project", "_x", "rust"],
)
def test_what_chooses_for_the_operator_is_refused(name: str) -> None:
    assert classified(name) == "refused"


@pytest.mark.parametrize("name", ["guided_json", "chat_template_kwargs", "repetition_penalty", "min_p", "transforms"])
def test_what_nobody_knows_is_the_providers(name: str) -> None:
    assert classified(name) is None
    assert name not in own_names()
