"""What is refused of a caller's body, what is taken out of it, and what is clamped."""

from typing import Any

import pytest

from governance.intake.read import read_request
from governance.policy.bodies import BodySettings
from governance.proxy.body import clamp, judge, merged, too_early

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def refusal(call_type: str = "acompletion", headers: dict[str, str] | None = None, **fields: Any) -> str | None:
    found = judge({**BODY, **fields}, headers or {}, call_type)
    return found.message if found else None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deployment_id", "x"),
        ("deployment_id", "../../x"),
        ("azure", True),
        ("custom_llm_provider", "groq"),
        ("specific_deployment", True),
        ("client", "x"),
        ("model_list", []),
        ("user_config", {}),
        ("litellm_credential_name", "x"),
        ("aws_role_name", "x"),
        ("input_cost_per_token", 0),
        ("_litellm_internal_model_credentials", {}),
        ("litellm_logging_obj", 1),
        ("organization", "a\r\nb: c"),
    ],
)
def test_what_chooses_for_the_operator_is_refused_by_its_name(name: str, value: Any) -> None:
    assert refusal(**{name: value}) == f"`{name}` is not for callers to say: it is LiteLLM's own; leave it out"
    assert refusal(extra_body={name: value})
    assert refusal(fallbacks=[{"model": "other", name: value}]) or name.startswith("litellm_")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("messages", "x"),
        ("messages", ["x"]),
        ("messages", [{"role": "user", "content": 5}]),
        ("messages", [{"role": "user", "content": [5]}]),
        ("response_format", 5),
        ("timeout", "abc"),
        ("timeout", float("nan")),
        ("stream_timeout", {}),
        ("n", "many"),
        ("n", True),
        ("max_tokens", [5]),
        ("stop", 5),
        ("stream", "yes"),
        ("tools", ["x"]),
        ("tool_choice", 5),
        ("logit_bias", [1]),
        ("stream_options", 5),
        ("extra_body", "x"),
        ("fallbacks", "other"),
        ("fallbacks", [5]),
        ("fallbacks", [{"*": ["other"]}]),
        ("model", 5),
        ("api_key", ""),
        ("api_key", " "),
        ("api_key", "two\r\nlines"),
        ("api_key", "caf\u00e9"),
        ("api_key", "os.environ/OPENAI_API_KEY"),
        ("api_base", ""),
        ("api_version", "1\x00"),
        ("extra_headers", {"a": 5}),
        ("extra_headers", {"a": None}),
        ("extra_headers", {"a": "x\ny"}),
        ("extra_headers", {"a": "caf\u00e9"}),
        ("extra_headers", {"Content-Length": "1"}),
        ("extra_headers", {"transfer-encoding": "chunked"}),
        ("extra_headers", {"a": "os.environ/SECRET"}),
        ("provider_specific_header", {"custom_llm_provider": "openai", "extra_headers": {"a": "x\ny"}}),
        ("provider_specific_header", ["x"]),
        ("metadata", ["x"]),
        ("prompt", [None]),
        ("input", [[None]]),
        ("litellm_trace_id", {}),
    ],
)
def test_what_has_another_type_than_its_api_says_is_refused(name: str, value: Any) -> None:
    found = refusal(**{name: value})

    assert found
    assert found.startswith(f"`{name}` must be ")


@pytest.mark.parametrize(
    "fields",
    [
        {"guided_json": {}, "top_k": 5, "chat_template_kwargs": {"a": 1}},
        {"temperature": None, "tools": None},
        {"timeout": "30", "n": 2, "stop": ["a"], "no-log": True},
        {"fallbacks": ["a", {"model": "b", "temperature": 0.5}]},
        {"extra_body": {"guided_json": {}, "n": 3}},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": []}, {"role": "tool", "content": "x"}]},
        {"api_key": "sk-1", "extra_headers": {"anthropic-beta": "a, b", "x-empty": ""}, "headers": {}},
        {"prompt": [[1, 2], "x"], "input": [{"type": "message"}, "x"]},
    ],
)
def test_what_an_api_or_a_provider_knows_passes(fields: dict[str, Any]) -> None:
    assert refusal(**fields) is None


def test_forms_have_texts_for_numbers_and_objects() -> None:
    assert refusal("transcription", temperature="0.5", stream="true") is None
    assert refusal("transcription", temperature="warm")


@pytest.mark.parametrize("extra", [{"model": "other"}, {"stream": True}, {"messages": []}, {"extra_body": {}}])
def test_extra_body_may_not_change_the_body(extra: dict[str, Any]) -> None:
    assert "may not change" in (refusal(extra_body=extra) or "")


def test_what_extra_body_adds_is_read() -> None:
    body = merged({**BODY, "extra_body": {"n": 3, "max_tokens": 500}})

    request = read_request("acompletion", body)

    assert (request.choices, request.max_output_tokens) == (3, 500)


def test_the_largest_of_the_bounds_on_an_answer_is_read() -> None:
    request = read_request("acompletion", {**BODY, "max_completion_tokens": 1, "max_tokens": 15_000})

    assert request.max_output_tokens == 15_000


def test_a_fallback_may_not_change_what_was_reserved() -> None:
    assert refusal(fallbacks=[{"model": "other", "max_tokens": 9999}])


@pytest.mark.parametrize("name", ["x-litellm-disable-callbacks", "X-LiteLLM-Rust", "x-litellm-of-tomorrow"])
def test_headers_that_litellm_obeys_and_nobody_listed_are_refused(name: str) -> None:
    assert name.lower() in (refusal(headers={name: "x"}) or "")
    assert refusal(headers={"x-litellm-tags": "a", "x-tier": "premium"}) is None


def test_a_message_shows_no_control_characters() -> None:
    found = refusal(**{"_\x1b[31m\n": 1})

    assert found
    assert found.isprintable()


@pytest.mark.parametrize(("asked", "given"), [(0, 1), (0.5, 1), (30, 30), ("45", 45), (1e9, 60), (-1, 1)])
def test_timeouts_are_brought_into_the_policys_range(asked: Any, given: float) -> None:
    data = {"timeout": asked, "stream_timeout": asked, "fallbacks": [{"model": "m", "timeout": asked}]}

    clamp(data, BodySettings.model_validate({"timeout": "1s..1m"}))

    assert (data["timeout"], data["stream_timeout"]) == (given, given)
    assert data["fallbacks"] == [{"model": "m", "timeout": given}]


def test_mocks_are_taken_out() -> None:
    data = {"mock_response": "x", "mock_testing_fallbacks": True, "fallbacks": [{"model": "m", "mock_response": "x"}]}

    clamp(data, BodySettings())

    assert data == {"fallbacks": [{"model": "m"}]}


def test_nulls_do_not_take_the_place_of_what_the_operator_has_set() -> None:
    data = {
        "api_key": None,
        "api_base": "",
        "api_version": None,
        "temperature": None,
        "fallbacks": [{"model": "m", "timeout": None}],
    }

    clamp(data, BodySettings())

    assert data == {"temperature": None, "fallbacks": [{"model": "m"}]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("original_function", "x"),
        ("rules_obj", 1),
        ("start_time", None),
        ("tags", [["a"]]),
        ("api_key", ""),
        ("headers", "x"),
    ],
)
def test_what_litellm_stumbles_over_before_our_hook_is_refused_where_it_lets_callers_in(name: str, value: Any) -> None:
    found = too_early({**BODY, name: value}, "acompletion", {})

    assert found
    assert (found.status, found.code) == (400, "field_not_allowed")
    assert f"`{name}`" in found.message


@pytest.mark.parametrize("bucket", ["metadata", "litellm_metadata"])
def test_so_are_tags_in_metadata(bucket: str) -> None:
    found = too_early({**BODY, bucket: {"tags": [{}]}}, "acompletion", {})

    assert found
    assert f"`{bucket}.tags` must be a list of texts" == found.message
    referring = too_early({**BODY, bucket: {"langfuse_prompt_version": "os.environ/X"}}, "acompletion", {})
    assert referring
    assert f"`{bucket}.langfuse_prompt_version` may not refer" in referring.message
    assert too_early({**BODY, bucket: {"tags": ["a"]}, "tags": ["b"]}, "acompletion", {}) is None


@pytest.mark.parametrize("version", ["", "1\r\nx: y", "os.environ/SECRET"])
def test_so_is_a_version_in_the_address(version: str) -> None:
    found = too_early(BODY, "acompletion", {"api-version": version})

    assert found
    assert found.message.startswith("`api-version` in the address must be ")
    assert too_early(BODY, "acompletion", {"api-version": "2024-10-21"}) is None


@pytest.mark.parametrize("call_type", ["aspeech", "aimage_generation", "atranscription"])
def test_a_field_has_the_type_of_its_own_api(call_type: str) -> None:
    assert refusal(call_type, response_format="url") is None
    assert refusal(call_type, response_format={"type": "json_object"}) == "`response_format` must be a text"
