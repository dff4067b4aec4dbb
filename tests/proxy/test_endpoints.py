"""What becomes of a request by its path: no endpoint that asks a model is open because nobody thought of it."""

import re

import pytest
from litellm.proxy import proxy_server
from litellm.proxy.auth.route_checks import RouteChecks

from governance.policy.ungoverned import ENDPOINTS
from governance.proxy.endpoints import DECIDED, FREE, UNKNOWN_PAGE, Endpoint, endpoint_of, free_call, name_of_call

# An API of models, of which the installed LiteLLM has none that governance does not know.
_READ_ONLY = {"GET", "HEAD", "OPTIONS", "DELETE"}


def routes() -> list[tuple[str, str]]:
    """Every method and path of the installed LiteLLM that it takes for an API of models."""
    found = []
    pending = list(proxy_server.app.routes)
    while pending:
        route = pending.pop()
        path = getattr(route, "path", None)
        if path is None:
            pending += route.original_router.routes
            continue
        path = re.sub(r"\{[^}]*\}", "x", path)
        if RouteChecks.is_llm_api_route(path):
            found += [(method, path) for method in getattr(route, "methods", None) or ()]
    return sorted(found)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/chat/completions", DECIDED),
        ("POST", "/openai/deployments/a/b/chat/completions", DECIDED),
        ("POST", "/v1beta/models/fast/x:generateContent", DECIDED),
        ("POST", "/openai/v1/responses", DECIDED),
        ("POST", "/openai/v1/embeddings", DECIDED),
        ("GET", "/openai_passthrough/v1/fine_tuning/jobs", DECIDED),
        ("POST", "/openai/v1/fine_tuning/jobs", Endpoint("fine_tuning")),
        ("POST", "/openai_passthrough/v1/realtime/client_secrets", Endpoint("realtime")),
        ("POST", "/openai_passthrough/v1/batches", Endpoint("batches")),
        ("POST", "/azure/openai/deployments/gpt-4o/chat/completions", Endpoint("model_pass_through")),
        ("POST", "/vllm/v1/chat/completions", Endpoint("model_pass_through")),
        ("POST", "/anthropic/v1/messages/batches", Endpoint("batches")),
        ("POST", "/gemini/v1beta/models/gemini-2.5-flash:batchGenerateContent", Endpoint("batches")),
        ("POST", "/v1/responses/compact", DECIDED),
        ("POST", "/v1/responses/resp_1/cancel", FREE),
        ("POST", "/v1/responses/input_tokens", FREE),
        ("POST", "/v1/messages/count_tokens", FREE),
        ("GET", "/v1/videos/video_1/content", FREE),
        ("POST", "/videos", DECIDED),
        ("POST", "/v1/ocr", DECIDED),
        ("POST", "/v1/videos/video_1/remix", Endpoint("videos")),
        ("POST", "/azure/v1/batches", Endpoint("batches")),
        ("GET", "/v1/realtime", Endpoint("realtime")),
        ("GET", "/health", Endpoint("health")),
        ("GET", "/health/liveliness", FREE),
        ("GET", "/v1/models", FREE),
        ("POST", "/v1/agents", Endpoint("agents")),
        ("POST", "/key/generate", FREE),
        ("POST", "/v1/images/variations", Endpoint(UNKNOWN_PAGE)),
        ("POST", "/v1/" + "x" * 5000, Endpoint(UNKNOWN_PAGE)),
    ],
)
def test_a_path_is_decided_free_or_has_a_name(method: str, path: str, expected: Endpoint) -> None:
    assert endpoint_of(method, path) == expected


def test_every_api_of_the_installed_litellm_is_known_by_name() -> None:
    found = routes()
    assert len(found) > 150

    assert [route for route in found if endpoint_of(*route).name not in (None, *ENDPOINTS[:-1])] == []


def test_nothing_that_makes_something_is_free() -> None:
    """What is sent to an API of models counts, ends or keeps something, or has a name."""
    free = {path for method, path in routes() if method not in _READ_ONLY and endpoint_of(method, path) == FREE}

    assert [
        path
        for path in free
        if not re.search(r"/(cancel|input_tokens|count_tokens)$|:countTokens$|^/utils/|^/v1/(traces|logs)|^/mcp", path)
    ] == []


def test_a_web_socket_is_never_decided() -> None:
    for path in ("/v1/realtime", "/v1/responses", "/openai/v1/realtime", "/vertex_ai/live"):
        assert endpoint_of("GET", path, websocket=True) == Endpoint("realtime")


def test_an_admin_looks_after_the_proxy_and_asks_models_like_anybody() -> None:
    assert endpoint_of("GET", "/health", admin=True) == FREE
    assert endpoint_of("POST", "/config/update", admin=True) == FREE
    assert endpoint_of("POST", "/v1/evals", admin=True) == Endpoint("evals")


@pytest.mark.parametrize(
    ("call_type", "name"),
    [
        ("avideo_remix", "videos"),
        ("acreate_interaction", "interactions"),
        ("avector_store_search", "vector_stores"),
        ("acreate_batch", "batches"),
        ("acreate_file", "files"),
        ("acreate_container", "containers"),
        ("_arealtime", "realtime"),
        ("_aresponses_websocket", "realtime"),
        ("asearch", "search"),
        ("something_new", "other"),
    ],
)
def test_a_call_that_nothing_counts_has_the_name_of_its_endpoint(call_type: str, name: str) -> None:
    assert not free_call(call_type)
    assert name_of_call(call_type) == name


@pytest.mark.parametrize(
    "call_type", ["aget_responses", "alist_batches", "aretrieve_batch", "avideo_status", "call_mcp_tool", "file_list"]
)
def test_looking_at_what_is_there_is_free(call_type: str) -> None:
    assert free_call(call_type)
