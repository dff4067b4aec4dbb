"""The official SDKs, unchanged, against virtual models."""

import anthropic
import openai
import pytest


@pytest.fixture
def client(proxy) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="sk-end-to-end-tests-only", max_retries=0)


@pytest.fixture
def claude(proxy) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=proxy.url, api_key="sk-end-to-end-tests-only", max_retries=0)


MESSAGES = [{"role": "user", "content": "Hello"}]


def test_a_chat_is_served_by_the_first_target(client) -> None:
    answer = client.chat.completions.with_raw_response.create(model="fast/glm-4.7", messages=MESSAGES)

    assert answer.headers["x-governance-target"] == "cerebras/glm-4.7"
    assert answer.headers["x-governance-profile"] == "Fast Provider Alias"
    assert "cerebras/glm-4.7" in answer.parse().choices[0].message.content


def test_a_streamed_chat_is_served_by_the_first_target_and_shows_no_usage_unasked(client) -> None:
    chunks = list(client.chat.completions.create(model="fast/glm-4.7", messages=MESSAGES, stream=True))

    assert "cerebras/glm-4.7" in "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert all(chunk.usage is None for chunk in chunks)


def test_a_streamed_chat_shows_the_usage_it_was_asked_for(client) -> None:
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(model="fast/glm-4.7", messages=MESSAGES, stream=True, stream_options=options)
    )

    assert [chunk.usage.prompt_tokens for chunk in chunks if chunk.usage] == [1]


def test_the_prefix_of_a_virtual_model_is_read_in_any_case(client) -> None:
    answer = client.chat.completions.create(model="FAST/glm-4.7", messages=MESSAGES)

    assert "cerebras/glm-4.7" in answer.choices[0].message.content


def test_completions_are_routed(client) -> None:
    answer = client.completions.create(model="fast/glm-4.7", prompt="Hello")

    assert "glm-4.7" in answer.choices[0].text


def test_streamed_completions_are_routed_and_show_no_usage_unasked(client) -> None:
    chunks = list(client.completions.create(model="across/glm-4.7", prompt="Hello", stream=True))

    assert "glm-4.7" in "".join(choice.text or "" for chunk in chunks for choice in chunk.choices)
    assert all(chunk.choices for chunk in chunks)


def test_embeddings_are_routed(client) -> None:
    answer = client.embeddings.with_raw_response.create(model="fast/text-embedding-3-small", input=["a", "b"])

    assert answer.headers["x-governance-profile"] == "Fast Provider Alias"
    assert len(answer.parse().data) == 2


def test_responses_are_routed(client) -> None:
    answer = client.responses.create(model="fast/glm-4.7", input="Hello")

    assert "glm-4.7" in answer.output_text
    assert answer.usage.input_tokens == 1


def test_streamed_responses_are_routed(client) -> None:
    events = list(client.responses.create(model="fast/glm-4.7", input="Hello", stream=True))

    assert events[-1].type == "response.completed"
    assert "glm-4.7" in events[-1].response.output_text


@pytest.mark.parametrize("model", ["fast/glm-4.7", "across/claude-sonnet-4-5"])
def test_anthropic_messages_are_routed(claude, model: str) -> None:
    answer = claude.messages.create(model=model, max_tokens=100, messages=MESSAGES)

    assert model.partition("/")[2] in answer.content[0].text


@pytest.mark.parametrize("model", ["fast/glm-4.7", "across/claude-sonnet-4-5"])
def test_streamed_anthropic_messages_are_routed(claude, model: str) -> None:
    with claude.messages.stream(model=model, max_tokens=100, messages=MESSAGES) as stream:
        text = "".join(stream.text_stream)

    assert model.partition("/")[2] in text
