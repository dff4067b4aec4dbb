"""GET /governance/api/openapi.json: every page of this API, described for programs and people."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse

from governance.admin.answered import Answered

_SAFE: Final = frozenset({"get", "head", "options"})
_METHODS: Final = frozenset({*_SAFE, "post", "put", "patch", "delete"})
_KEY: Final = {
    "name": "idempotency-key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "asked again within 24 hours under the same key, it is answered alike and done once",
}
_ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code"],
            "properties": {
                "message": {"type": "string", "description": "for people"},
                "type": {"type": "string"},
                "code": {"type": "string", "description": "for programs"},
                "problems": {"type": "array", "items": {"$ref": "#/components/schemas/Mistake"}},
            },
        }
    },
}
_PROBLEM: Final = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "problems": {"type": "array", "items": {"$ref": "#/components/schemas/Mistake"}},
    },
}
_MISTAKE: Final = {
    "type": "object",
    "required": ["message", "pointer"],
    "properties": {
        "message": {"type": "string"},
        "pointer": {"type": "string", "description": "into the policy or the body (RFC 6901)"},
        "line": {"type": "integer", "description": "of the policy's text, counted from 1"},
        "column": {"type": "integer"},
        "path": {"type": "string"},
        "source": {"type": "string"},
    },
}


def routes(pages: APIRouter) -> APIRouter:
    """For viewers, too.

    Args:
        pages: all that is described, this page among them once it is there.
    """
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/openapi.json", summary="This description")
    async def openapi() -> JSONResponse:
        return JSONResponse(described())

    # Made once it is asked for: no proxy waits for it when it starts.
    described = cache(partial(description, pages))
    return router


def description(pages: APIRouter) -> dict[str, Any]:
    """Pages as OpenAPI 3.1."""
    app = FastAPI(
        title="LiteLLM governance",
        version=version("litellm-governance"),
        description="Pages for proxy admins, some of them for viewers. Errors come as `application/problem+json` to "
        "whoever accepts it.",
    )
    app.include_router(pages)
    told = app.openapi()
    schemas = told.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(Error=_ERROR, Problem=_PROBLEM, Mistake=_MISTAKE)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    told["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    told["security"] = [{"key": []}]
    for method, operation in _operations(told):
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = {
            "description": "an error",
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Error"}},
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
            },
        }
        if method not in _SAFE:
            operation.setdefault("parameters", []).append(_KEY)
    return told


def _operations(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in told["paths"].values():
        for method, operation in path.items():
            if method in _METHODS:
                yield method, operation
