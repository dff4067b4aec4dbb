"""One request for every route of the installed LiteLLM: of its OpenAPI, and of what OpenAPI does not list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

WEBSOCKET: Final = "WEBSOCKET"
_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})
_TEXT: Final = [{"role": "user", "content": "Hello"}]
_PDF: Final = "data:application/pdf;base64,JVBERi0xLjQK"


@dataclass(frozen=True)
class Probe:
    """One request.

    Args:
        route: as LiteLLM writes it, with the names of its parameters.
        body: sent as JSON; with `files`, as a form.
    """

    route: str
    method: str
    path: str
    body: Any = None
    files: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def asking(self, model: str) -> Probe:
        """The same for another model."""
        body = {**self.body, "model": model} if isinstance(self.body, dict) and "model" in self.body else self.body
        return replace(self, body=body, path=self.path.replace(MODEL, model))


# A model that one provider alone serves and no profile rewrites, so that every endpoint knows how to reach it.
MODEL: Final = "openai/walked"

# What each parameter of a path stands for. Others are `walked-1`.
_PARAMETERS: Final = {
    "model": MODEL,
    "model_name": MODEL,
    "model_id": MODEL,
    "provider": "openai",
    "search_tool_name": "web",
    "vector_store_id": "shelf",
    "mcp_server_name": "tools",
    "batch_id": "batch_1",
    "file_id": "file-1",
    "response_id": "resp_1",
    "video_id": "video_1",
    "thread_id": "thread_1",
    "operation": "DetectEntitiesV2",
}
# Where the pass-through routes lead to something that costs, at each provider.
_ENDPOINTS: Final = {
    "/anthropic": "v1/messages",
    "/gemini": "v1beta/models/gemini-2.0-flash:generateContent",
    "/vertex_ai/discovery": "v1/projects/p/locations/us-central1/dataStores/default:search",
    "/vertex_ai": "v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.0-flash:generateContent",
    "/bedrock": "model/anthropic.claude-3-haiku-20240307-v1:0/converse",
    "/cohere": "v2/chat",
    "/azure": "openai/deployments/walked/chat/completions",
    "/azure_ai": "models/chat/completions",
    "/assemblyai": "v2/transcript",
    "/eu.assemblyai": "v2/transcript",
    "/vllm": "v1/chat/completions",
    "/openai": "v1/chat/completions",
    "/openai_passthrough": "v1/chat/completions",
    "/mistral": "v1/ocr",
    "/openrouter": "chat/completions",
    "/nvidia_nim": "chat/completions",
    "/fal_ai": "fal-ai/flux/schnell",
    "/cursor": "v0/agents",
    "/langfuse": "api/public/ingestion",
    "/backend-api/codex": "responses",
}
_CHAT: Final = {"model": MODEL, "messages": _TEXT, "max_tokens": 5}
_GOOGLE: Final = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
_BODIES: Final[tuple[tuple[str, dict[str, Any]], ...]] = tuple(
    (pattern, body)
    for pattern, body in (
        (r".*/chat/completions|/raw/.*|.*/v2/chat", _CHAT),
        (r".*/messages(/count_tokens)?", _CHAT),
        (r".*/completions", {"model": MODEL, "prompt": "Hello", "max_tokens": 5}),
        (r".*/embeddings", {"model": MODEL, "input": "Hello"}),
        (r".*/moderations", {"model": MODEL, "input": "Hello"}),
        (r".*/images/generations", {"model": MODEL, "prompt": "a cat"}),
        (r".*/images/edits", {"model": MODEL, "prompt": "a cat"}),
        (r".*/audio/speech", {"model": MODEL, "input": "Hello", "voice": "alloy"}),
        (r".*/audio/transcriptions", {"model": MODEL}),
        (r".*/rerank", {"model": "cohere/walked", "query": "Hello", "documents": ["a", "b"]}),
        (r".*/responses(/compact|/input_tokens)?|.*/codex/responses", {"model": MODEL, "input": "Hello"}),
        (r".*:(stream)?[gG]enerateContent|.*:countTokens", _GOOGLE),
        (r".*/converse", {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}),
        (r".*/dataStores/.*", {"query": "Hello"}),
        (r".*/ocr", {"model": "mistral/walked", "document": {"type": "document_url", "document_url": _PDF}}),
        (r".*/search/[^/]+|(/v1)?/search", {"search_tool_name": "web", "query": "Hello"}),
        (r".*/vector_stores/[^/]+/search", {"query": "Hello", "custom_llm_provider": "openai"}),
        (r".*/vector_stores", {"name": "walked", "custom_llm_provider": "openai"}),
        (r".*/vector_stores/[^/]+/files", {"file_id": "file-1", "custom_llm_provider": "openai"}),
        (r".*/videos", {"model": MODEL, "prompt": "a cat", "seconds": "4"}),
        (r".*/videos/.*", {"model": MODEL, "prompt": "a cat", "video": {"id": "video_1"}, "video_id": "video_1"}),
        (r".*/interactions", {"model": "gemini/walked", "input": "Hello"}),
        (r".*/files", {"purpose": "batch", "custom_llm_provider": "openai"}),
        (r".*/batches", {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}),
        (r".*/fine_tuning/jobs", {"model": "walked", "training_file": "file-1", "custom_llm_provider": "openai"}),
        (r".*/containers", {"name": "walked", "custom_llm_provider": "openai"}),
        (r".*/containers/[^/]+/files", {"file_id": "file-1", "custom_llm_provider": "openai"}),
        (r".*/assistants", {"model": MODEL, "custom_llm_provider": "openai"}),
        (r".*/threads", {"messages": _TEXT, "custom_llm_provider": "openai"}),
        (r".*/threads/[^/]+/messages", {"role": "user", "content": "Hello"}),
        (r".*/threads/[^/]+/runs", {"assistant_id": "asst_1", "model": MODEL}),
        (r".*/realtime.*(client_secrets|sessions)", {"model": MODEL, "session": {"type": "realtime", "model": MODEL}}),
        (r".*/realtime.*/calls", {"sdp": "v=0", "session": {"type": "realtime", "model": MODEL}, "model": MODEL}),
        (
            r".*/rag/query",
            {
                "model": MODEL,
                "messages": _TEXT,
                "query": "Hello",
                "retrieval_config": {"vector_store_id": "shelf", "custom_llm_provider": "openai"},
            },
        ),
        (
            r".*/rag/ingest",
            {
                "file_url": "https://example.com/a.txt",
                "ingest_options": {"vector_store": {"custom_llm_provider": "openai", "vector_store_id": "shelf"}},
            },
        ),
        (
            r".*/evals",
            {
                "name": "walked",
                "data_source_config": {"type": "custom", "item_schema": {}},
                "testing_criteria": [],
                "model": MODEL,
            },
        ),
        (r".*/evals/[^/]+/runs", {"name": "walked", "data_source": {"type": "jsonl"}, "model": MODEL}),
        (r".*/skills", {"display_title": "walked", "model": "anthropic/walked"}),
        (
            r"/utils/(token_counter|transform_request)",
            {"model": MODEL, "messages": _TEXT, "call_type": "acompletion", "request_body": _CHAT},
        ),
        (r"/apply_guardrail|/guardrails/apply_guardrail", {"guardrail_name": "none", "text": "Hello"}),
        (
            r".*/a2a/.*",
            {
                "jsonrpc": "2.0",
                "id": "1",
                "method": "message/send",
                "params": {"message": {"role": "user", "parts": [{"kind": "text", "text": "Hello"}], "messageId": "1"}},
            },
        ),
        (r".*/mcp|/mcp/proxy", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
        (r"/mcp-rest/tools/call", {"server_id": "tools", "name": "any", "arguments": {}}),
        (
            r".*/(systemone|decisions|extraction)",
            {
                "model": MODEL,
                "input": "Hello",
                "prompt": "Hello",
                "messages": _TEXT,
                "context": "Hello",
                "options": ["a", "b"],
            },
        ),
        (r"/prompts/test", {"dotprompt_content": f"---\nmodel: {MODEL}\n---\nHello", "prompt_variables": {}}),
    )
)
_FORMS: Final = re.compile(r".*/(audio/transcriptions|images/edits|files|skills|videos/characters|upload)")
# OpenAPI lists no websockets and not what is mounted or hidden.
_UNLISTED: Final = (
    ("POST", "/raw/chat", "/raw/chat"),
    *((method, "/raw/any/{subpath}", "/raw/any/v1/anything") for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
    ("GET", "/openapi.json", "/openapi.json"),
    ("GET", "/docs", "/docs"),
    ("GET", "/redoc", "/redoc"),
    ("GET", "/ui", "/ui"),
    ("GET", "/swagger", "/swagger/swagger-ui.css"),
    ("GET", "/fallback/login", "/fallback/login"),
    ("GET", "/get_favicon", "/get_favicon"),
    ("GET", "/get_image", "/get_image"),
    ("GET", "/get_logo_url", "/get_logo_url"),
    ("GET", "/onboarding/get_token", "/onboarding/get_token"),
    ("POST", "/onboarding/claim_token", "/onboarding/claim_token"),
    ("POST", "/queue/chat/completions", "/queue/chat/completions"),
)
# An operation of OpenAPI that is one of these is the handshake of a websocket, which LiteLLM documents as GET.
_SOCKETS: Final = re.compile(
    r"(/v1|/openai/v1)?/(realtime(/translations)?|live/sessions|responses)|/vertex_ai/live"
    r"|/deepgram/v1/listen|/(openai|openai_passthrough|azure)/v1/realtime"
)
_MORE_SOCKETS: Final = (
    "/realtime",
    "/v1/realtime",
    "/openai/v1/realtime",
    "/realtime/translations",
    "/v1/realtime/translations",
    "/live/sessions",
    "/v1/live/sessions",
    "/openai/v1/live/sessions",
    "/responses",
    "/v1/responses",
    "/openai/v1/responses",
    "/vertex_ai/live",
    "/openai/v1/chat/completions",
    "/openai_passthrough/v1/realtime",
    "/deepgram/v1/listen",
)


def probes(openapi: Mapping[str, Any]) -> list[Probe]:
    """Every operation once, and the routes that OpenAPI does not list."""
    found = [
        _probe(openapi, route, method.upper(), operation)
        for route, operations in openapi["paths"].items()
        for method, operation in operations.items()
        if method in _METHODS
    ]
    listed = {(probe.method, probe.route) for probe in found}
    for method, route, path in _UNLISTED:
        if (method, route) not in listed:
            found.append(
                Probe(route, method, path, _body(path, {}, {}) if method in ("POST", "PUT", "PATCH") else None)
            )
    found += [Probe(path, WEBSOCKET, path, query={"model": MODEL}) for path in _MORE_SOCKETS]
    return found


def _probe(openapi: Mapping[str, Any], route: str, method: str, operation: Mapping[str, Any]) -> Probe:
    path = re.sub(r"\{([^}:]+)(:path)?\}", lambda name: _parameter(route, name[1]), route)
    query = {
        parameter["name"]: "openai" if parameter["name"] == "custom_llm_provider" else "walked-1"
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and parameter.get("required")
    }
    if path.endswith(":streamGenerateContent"):
        query["alt"] = "sse"
    if re.search(
        r"/(files|batches|containers|vector_stores|assistants|threads|fine_tuning|responses|evals|videos)", path
    ):
        query.setdefault("custom_llm_provider", "openai")
    if method not in ("POST", "PUT", "PATCH"):
        return Probe(route, method, path, query=query)
    body = _body(path, operation, openapi)
    return Probe(route, method, path, body, ("file",) if _FORMS.fullmatch(path) else (), query=query)


def _parameter(route: str, name: str) -> str:
    if name in ("endpoint", "path"):
        return _ENDPOINTS.get(route.rpartition("/{")[0], "v1/chat/completions")
    return _PARAMETERS.get(name, "walked-1")


def _body(path: str, operation: Mapping[str, Any], openapi: Mapping[str, Any]) -> dict[str, Any]:
    for pattern, body in _BODIES:
        if re.fullmatch(pattern, path):
            return dict(body)
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    written = _example(schema, openapi, 0)
    return {"model": MODEL, "messages": _TEXT, "input": "Hello", **(written if isinstance(written, dict) else {})}


def _example(schema: Mapping[str, Any], openapi: Mapping[str, Any], depth: int) -> Any:
    """Something that fits a schema: what it requires, and no more."""
    if "$ref" in schema:
        return _example(openapi["components"]["schemas"][schema["$ref"].rpartition("/")[2]], openapi, depth)
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return _example(schema[name][0], openapi, depth)
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        if depth > 4:
            return {}
        properties = schema.get("properties", {})
        return {name: _example(properties.get(name, {}), openapi, depth + 1) for name in schema.get("required", ())}
    simple = {"array": [], "integer": 1, "number": 1.0, "boolean": False, "null": None}
    return simple.get(kind, "walked") if isinstance(kind, str) else "walked"


def methods(found: list[Probe]) -> Iterator[str]:
    """How many of each method, for people."""
    for method in sorted({probe.method for probe in found}):
        yield f"{sum(probe.method == method for probe in found)} {method}"
