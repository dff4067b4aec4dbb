"""What would happen to a request: asked again, or otherwise. Nothing is counted, nobody is called."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from governance.admin.decisions import find, kept_by
from governance.engine.simulation import SimulationInput, given_from, simulate_now
from governance.model.vocabulary import RequestType
from governance.pages.answered import UI, Shown
from governance.pages.beside import decided_beside, drafts_of
from governance.pages.forms import form_of
from governance.pages.render import Show
from governance.usecases.asked_again import asked_again, policy_test
from governance.usecases.who_serves import help_for
from governance.usecases.why import why

_FIELDS: Final = ("virtual_key_id", "virtual_key_name", "user_id", "team_id", "team_name", "customer_id", "end_user_id")
_OWN: Final = frozenset(
    {"body", "identity", "request_type", "prompt_tokens", "max_output_tokens", "draw", "at", "tags"}
)


Word = Annotated[str, Query(max_length=100)]


def routes(show: Show) -> APIRouter:
    """For admins."""
    router = APIRouter(prefix=UI, route_class=Shown)

    async def page(
        request: Request, form: dict[str, str], problems: list[str], record: Any, status: int, beside: Any = None
    ) -> Response:
        policy = show.of.engine.host.policy
        text = policy.text
        return await show.page(
            request,
            "simulate.html",
            status=status,
            form=form,
            problems=[{"message": problem, "line": None} for problem in problems],
            record=record,
            helping=record and await asyncio.to_thread(help_for, record, show.of.models.catalog, policy),
            why=None if record is None else why(record, text),
            test="" if record is None else policy_test(record),
            kinds=get_args(RequestType),
            file=show.of.policies.file.name,
            drafts=await drafts_of(show),
            beside=beside,
            why_beside=None if beside is None else why(beside["record"], beside["text"]),
            alike=beside is None or _outcome(record) == _outcome(beside["record"]),
        )

    @router.get("/simulate")
    async def ask(request: Request, like: Word = "", draft: Word = "") -> Response:
        record = await find(kept_by(show.of), like) if like else None
        form = _form(asked_again(record) if record else {})
        return await page(request, {**form, "draft": draft}, [], None, 200)

    @router.post("/simulate")
    async def simulate(request: Request) -> Response:
        form = {**_form({}), **await form_of(request)}
        given, problems = _given(form)
        if given is None:
            return await page(request, form, problems, None, 422)
        draft = form["draft"].strip()
        if draft:
            record, beside = await decided_beside(show, draft, given)
            return await page(request, form, [], record, 200, beside)
        decision = await simulate_now(show.of.engine, given, show.of.models.catalog)
        return await page(request, form, [], decision.trace.record(), 200)

    return router


def _outcome(record: dict[str, Any]) -> tuple[Any, ...]:
    """What a caller would notice: who serves, or how it is refused."""
    refusal = record["refusal"] or {}
    return record["outcome"], record["model"], refusal.get("status"), refusal.get("code"), refusal.get("message")


def _form(again: dict[str, Any]) -> dict[str, str]:
    """The fields as they are written at first."""
    identity = again.get("identity", {})
    return {
        "model": again.get("body", {}).get("model", ""),
        "request_type": again.get("request_type", ""),
        "prompt_tokens": str(again.get("prompt_tokens", "")),
        "max_output_tokens": str(again.get("max_output_tokens", "")),
        "tags": ", ".join(again.get("tags", ())),
        "draw": "",
        "at": "",
        "headers": "",
        "draft": "",
        "more": json.dumps({k: v for k, v in again.items() if k not in _OWN}, indent=2) if again else "",
        **{name: identity.get(name, "") for name in _FIELDS},
    }


def _given(form: dict[str, str]) -> tuple[SimulationInput | None, list[str]]:
    """The input that a form stands for, or what is wrong with it."""
    try:
        more: Any = json.loads(form["more"]) if form["more"].strip() else {}
    except ValueError as error:
        return None, [f"more: is no JSON: {error}"]
    except RecursionError:
        return None, ["more: is nested too deeply"]
    if not isinstance(more, dict):
        return None, ["more: write a JSON object"]
    wrong = [name for name in ("body", "identity") if not isinstance(more.get(name) or {}, dict)]
    if wrong:
        return None, [f"more.{name}: write a JSON object" for name in wrong]
    body = more.pop("body", None) or {}
    data: dict[str, Any] = {
        **more,
        "body": {**body, "model": form["model"].strip()},
    }
    if not data["body"]["model"]:
        return None, ["model: is required, such as fast/glm-4.7"]
    identity = {name: form[name].strip() for name in _FIELDS if form[name].strip()}
    if identity or "identity" in more:
        data["identity"] = {**(more.get("identity") or {}), **identity}
    for name in ("request_type", "prompt_tokens", "max_output_tokens", "at"):
        if form[name].strip():
            data[name] = form[name].strip()
    for name in ("tags", "draw"):
        if form[name].strip():
            data[name] = [part.strip() for part in form[name].split(",") if part.strip()]
    if form["headers"].strip():
        pairs = [line.partition(":") for line in form["headers"].splitlines() if line.strip()]
        data["headers"] = {name.strip().lower(): value.strip() for name, _, value in pairs}
    try:
        return given_from(data), []
    except ValidationError as error:
        return None, [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
