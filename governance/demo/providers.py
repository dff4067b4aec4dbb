"""Fake providers: one process that plays any number of them, each below the path prefix of its name.

`/openai/v1/chat/completions`, `/groq/v1/chat/completions`, `/anthropic/v1/messages`: whatever the name, it speaks the
wire formats of OpenAI, Anthropic, Google and (rerank) Cohere. No key is looked at. What goes wrong is told through the
paths of `governance.demo.control`.

    python -m governance.demo.providers --port 4100
"""

import argparse
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from governance.demo import anthropic_wire, cohere_wire, google_wire, openai_media, openai_responses, openai_wire
from governance.demo.control import Control
from governance.demo.delivery import Delivery
from governance.demo.faults import Faults
from governance.demo.tally import Seen, Tally
from governance.demo.wire import Answer, BadRequest, Call, Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *openai_wire.ENDPOINTS,
    *openai_responses.ENDPOINTS,
    *openai_media.ENDPOINTS,
    *cohere_wire.ENDPOINTS,
    *anthropic_wire.ENDPOINTS,
    *google_wire.ENDPOINTS,
)

MODELS = {
    "anthropic": ("claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-4-5"),
    "cerebras": ("glm-4.7", "gpt-oss-120b"),
    "gemini": ("gemini-2.0-flash",),
    "groq": ("glm-4.7", "llama-3.1-8b-instant"),
    "openai": ("glm-4.7", "gpt-4o", "gpt-4o-mini", "text-embedding-3-small"),
}
"""What `GET /{provider}/v1/models` lists; every other model is answered just as well."""

UNKNOWN_MODEL = "?"
"""Under this name requests are counted that name no model."""


def app() -> Starlette:
    """The fake providers with nothing counted and no faults; each application has its own."""
    faults, tally = Faults(), Tally()
    return Starlette(
        routes=[
            *Control(faults, tally).routes(),
            Route("/{provider}/v1/models", _models, methods=["GET"]),
            *(
                Route("/{provider}" + endpoint.path, _player(endpoint, faults, tally), methods=["POST"])
                for endpoint in ENDPOINTS
            ),
        ],
        exception_handlers={404: _not_played},
    )


def _player(endpoint: Endpoint, faults: Faults, tally: Tally) -> Callable[[Request], Awaitable[Delivery]]:
    """What an endpoint does with a request; it counts from the moment its body has been read."""

    async def play(request: Request) -> Delivery:
        provider = request.path_params["provider"]
        try:
            body, problem = await _body(request), ""
        except BadRequest as error:
            body, problem = {}, str(error)
        model = request.path_params.get("model") or body.get("model") or endpoint.default_model
        if not isinstance(model, str):
            problem, model = problem or "you must provide a `model`, a text", UNKNOWN_MODEL
        call = Call(provider, model, body, request.query_params, faults.take(provider, model))
        visit = tally.begin(
            Seen(
                path=request.url.path.removeprefix(f"/{provider}"),
                provider=provider,
                model=model,
                stream=endpoint.always_streams or call.streams,
                body_keys=sorted(body),
                header_names=sorted(request.headers.keys()),
            )
        )
        return Delivery(replace(endpoint, answer=_refusal(problem)) if problem else endpoint, call, visit)

    return play


async def _body(request: Request) -> Mapping[str, Any]:
    """The body's fields; of an uploaded file, its name and size.

    Raises:
        BadRequest: it is neither a JSON object nor a form.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        try:
            async with request.form() as form:
                return {
                    name: f"{value.filename} ({value.size} bytes)" if isinstance(value, UploadFile) else value
                    for name, value in form.items()
                }
        except HTTPException as error:
            raise BadRequest(f"the form is broken: {error.detail}") from error
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _refusal(problem: str) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        raise BadRequest(problem)

    return answer


async def _models(request: Request) -> JSONResponse:
    provider = request.path_params["provider"]
    return JSONResponse(
        {
            "object": "list",
            "data": [
                {"id": model, "object": "model", "created": 0, "owned_by": provider}
                for model in MODELS.get(provider, ("demo-model",))
            ],
        }
    )


async def _not_played(request: Request, error: Exception) -> JSONResponse:
    played = ", ".join(endpoint.path for endpoint in ENDPOINTS)
    message = f"no fake provider answers {request.method} {request.url.path}; below /PROVIDER there are: {played}"
    return JSONResponse(openai_wire.error(404, message), status_code=404)


class _Server(uvicorn.Server):
    """Says where it listens as soon as it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            print(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the fake providers on loopback until interrupted, having printed `listening on http://HOST:PORT`."""
    parser = argparse.ArgumentParser(prog="python -m governance.demo.providers", description="Run fake LLM providers.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 (the default) takes any free one")
    parser.add_argument("--host", type=_loopback, default="127.0.0.1", help="127.0.0.1 (the default) or ::1")
    options = parser.parse_args(arguments)
    listener = socket.socket(socket.AF_INET6 if ":" in options.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        parser.exit(1, f"cannot listen on {options.host} port {options.port}: {error}\n")
    config = uvicorn.Config(
        app(),
        # Connections that a fault drops are logged as errors; here they are what was asked for.
        log_level="critical",
        lifespan="off",
        # Longer than any client keeps an idle connection, so that it is never us who closes one just as it is reused.
        timeout_keep_alive=3600,
        # A hanging answer must not keep the process alive.
        timeout_graceful_shutdown=1,
    )
    with contextlib.suppress(KeyboardInterrupt):
        _Server(config).run(sockets=[listener])


def _loopback(host: str) -> str:
    if host not in ("127.0.0.1", "::1"):
        raise argparse.ArgumentTypeError(f"{host} refused: fake providers listen on 127.0.0.1 or ::1 only")
    return host


if __name__ == "__main__":
    main()
