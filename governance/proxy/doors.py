"""Keeps callers whom a limit or a list of models binds from endpoints that nothing counts.

Asked twice, because LiteLLM has endpoints that miss one or the other: when it has checked who calls
(`RouteChecks.should_call_route`), and in the hook before a call.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from typing import Any, Final, Protocol

from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth
from litellm.proxy.auth.auth_utils import request_dispatched_to_pass_through_endpoint
from litellm.proxy.auth.route_checks import RouteChecks
from litellm.proxy.common_utils.http_parsing_utils import _safe_get_request_parsed_body

from governance.engine.engine import Engine
from governance.engine.keyring import Keyring
from governance.model import NOBODY, Identity, Refusal, Request, codes
from governance.policy.ungoverned import ENDPOINTS, OTHER, opened
from governance.proxy.admin import verifies_keys
from governance.proxy.arms import Arms
from governance.proxy.body import too_early
from governance.proxy.endpoints import (
    DECIDED,
    Endpoint,
    asks_a_deployment,
    call_type_of,
    endpoint_of,
    free_call,
    governed_call,
    is_passed_through,
    name_of_call,
)
from governance.proxy.headers import decision_headers
from governance.proxy.translate import exception_from, identity_of, open_headers
from governance.telemetry.telemetry import Telemetry

_LONGEST_ROUTE: Final = 100


class Behind(Protocol):
    """What is in force; see `governance.proxy.gateway`."""

    @property
    def engine(self) -> Engine: ...

    @property
    def arms(self) -> Arms: ...

    @property
    def keyring(self) -> Keyring: ...

    @property
    def telemetry(self) -> Telemetry: ...


def verified(auth: Any) -> Identity:
    """Who calls, where LiteLLM checks that at all."""
    return identity_of(auth) if verifies_keys() else NOBODY


class Doors:
    """Which endpoints are open to whom."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind
        self._went_through: ContextVar[Endpoint | None] = ContextVar("governance_endpoint", default=None)

    def watch(self) -> None:
        """Judge every request whose caller LiteLLM has verified, before anything of it is done."""
        checked: Any = RouteChecks.should_call_route

        @wraps(checked)
        def checked_and_open(*args: Any, **kwargs: Any) -> Any:
            found = checked(*args, **kwargs)
            named = dict(zip(("route", "valid_token", "request"), args, strict=False)) | kwargs
            self.open(named["route"], named["valid_token"], named.get("request"))
            return found

        RouteChecks.should_call_route = staticmethod(checked_and_open)  # type: ignore[method-assign]

    def open(self, route: str, auth: UserAPIKeyAuth, asked: Any) -> None:
        """Let a request in.

        Args:
            asked: Starlette's request; None where LiteLLM looks on somebody's behalf.

        Raises:
            Refused: 403 `endpoint_not_governed`; 400 for a body that LiteLLM cannot bring to our hook.
        """
        method = getattr(asked, "method", "POST")
        # LiteLLM makes a request of a web socket's handshake; a plain request with its header asks for the same.
        websocket = asked is not None and "sec-websocket-key" in asked.headers
        admin = auth.user_role == LitellmUserRoles.PROXY_ADMIN
        endpoint = endpoint_of(method, route, websocket=websocket, admin=admin)
        if endpoint.name not in (None, "realtime") and request_dispatched_to_pass_through_endpoint(asked):
            endpoint = DECIDED
        self._went_through.set(endpoint)
        if asks_a_deployment(route):
            self._judge_place(asked, verified(auth), f"{method} {route[:_LONGEST_ROUTE]}")
        if endpoint.name is not None:
            self._judge(endpoint.name, verified(auth), f"{method} {route[:_LONGEST_ROUTE]}")
        elif endpoint.decided and not is_passed_through(route):
            refusal = too_early(_body(asked), call_type_of(route), getattr(asked, "query_params", {}))
            if refusal:
                self._refuse(_request(route[:_LONGEST_ROUTE], verified(auth)), refusal)

    def hook(self, call_type: str, auth: Any, *, decided: bool) -> None:
        """LiteLLM's hook before a call.

        Args:
            decided: the engine is asked; then there is nothing to judge here.

        Raises:
            Refused: 403 `endpoint_not_governed`; 400 where only the model's name is missing.
        """
        through = self._went_through.get()
        if decided or free_call(call_type) or (through is not None and not through.decided):
            return
        identity = verified(auth)
        if not governed_call(call_type):
            self._judge(name_of_call(call_type), identity, f"call type {call_type[:_LONGEST_ROUTE]}")
        elif self._bound(_request(call_type, identity)) is not None:
            self._refuse(_request(call_type, identity), _NO_MODEL)

    def _judge_place(self, asked: Any, identity: Identity, what: str) -> None:
        """LiteLLM chooses the deployment that counts tokens without asking anybody."""
        model, host = _body(asked).get("model"), self._behind.arms.of(identity).host
        counted = _request("chat", identity).but(
            model=str(model or ""),
            headers=open_headers(getattr(asked, "headers", {})),
            at_s=self._behind.engine.clock(),
        )
        demand = next(iter(host.required(counted)), None)
        if demand is not None:
            message = f"{what}: it may send the prompt to any deployment, and {demand.by} requires {demand}"
            self._refuse(counted, Refusal(403, codes.LABEL_MISMATCH, message))

    def _judge(self, endpoint: str, identity: Identity, what: str) -> None:
        name = endpoint if endpoint in ENDPOINTS else OTHER
        request = _request(name, identity)
        is_open = name in opened(self._behind.engine.host.policy.core.access.ungoverned)
        bound = None if is_open else self._bound(request)
        self._behind.telemetry.metrics.passed(name, "passed" if bound is None else "refused")
        if bound is not None:
            self._refuse(request, not_governed(name, what, bound))

    def _bound(self, request: Request) -> str | None:
        """What binds this caller; None where nothing does."""
        key = self._behind.keyring.of(request.identity.virtual_key_id)
        if key is not None and key.restricted:
            return f"the models of key {key.name}"
        host = self._behind.arms.of(request.identity).host
        demand = next(iter(host.demands.on(request.identity)), None)
        if demand is not None:
            return f"what {demand.by} requires ({demand})"
        limit = host.limit_on(request)
        return None if limit is None else f"limit {limit}"

    def _refuse(self, request: Request, refusal: Refusal) -> None:
        decision = self._behind.engine.refuse(request, refusal)
        self._behind.telemetry.tell(decision.trace)
        raise exception_from(refusal, decision.id, decision_headers(decision.trace))


def _body(asked: Any) -> dict[str, Any]:
    """As LiteLLM has read it to see who calls."""
    found = _safe_get_request_parsed_body(asked)
    return found if isinstance(found, dict) else {}


def _request(kind: str, identity: Identity) -> Request:
    tags = identity.metadata.get("tags")
    known = tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, (list, tuple)) else ()
    return Request("", request_type=kind, identity=identity, tags=known)


_NO_MODEL: Final = Refusal(
    400, codes.NO_ELIGIBLE_TARGET, "name a model: what serves a request without one is not known"
)


def not_governed(endpoint: str, what: str, bound: str) -> Refusal:
    """Says what keeps the caller out and how the operator lets him in."""
    message = (
        f"{what}: nothing counts what this endpoint uses, and {bound} would not hold; to open it, list it in the "
        f"policy: `access: {{ungoverned: [{endpoint}]}}`"
    )
    return Refusal(403, codes.ENDPOINT_NOT_GOVERNED, message)
