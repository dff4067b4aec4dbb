"""What a team owes for a month, and a provider's invoice beside what was counted."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from governance.admin.answered import NotDone
from governance.admin.spend import WITHIN_S, reported, stated
from governance.pages.answered import UI, Shown
from governance.pages.forms import form_of
from governance.pages.render import Show
from governance.usecases.reconcile import NoInvoice, days_of, read_invoice, reconcile
from governance.usecases.spend import teams_of, told

_PARTS: Final = ("model", "target", "key", "day")
_MOST_ROWS: Final = 400
_MOST_INVOICE_BYTES: Final = 2**20
# A character may take three in a form.
_MOST_FORM_BYTES: Final = 3 * _MOST_INVOICE_BYTES


def routes(show: Show) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/spend/statement")
    async def of_team(request: Request, team: str = "", month: str = "") -> Response:
        asked = {"team": team.strip(), "month": month.strip() or f"{datetime.now(timezone.utc):%Y-%m}"}
        found, wrong = None, ""
        if asked["team"]:
            try:
                found = await stated(show.of, asked["team"], asked["month"])
            except NotDone as error:
                wrong = error.message
        return await show.page(
            request,
            "statement.html",
            asked=asked,
            teams=await show.of.policies.ask(teams_of, WITHIN_S),
            statement=found,
            parts_of=[(part, found[f"by_{part}"][:_MOST_ROWS]) for part in _PARTS] if found else [],
            csv="/governance/api/spend/statement?" + urlencode({**asked, "format": "csv"}),
            wrong=wrong,
        )

    @router.get("/spend/invoice")
    async def invoice(request: Request) -> Response:
        return await show.page(request, "invoice.html", **_asked({}), found=None, wrong="")

    @router.post("/spend/invoice")
    async def compare(request: Request) -> Response:
        form = await form_of(request, _MOST_FORM_BYTES)
        found, wrong = None, ""
        try:
            found = await _reconciled(form)
        except (NoInvoice, NotDone) as error:
            wrong = str(error)
        status = 422 if wrong else 200
        return await show.page(request, "invoice.html", status=status, **_asked(form), found=found, wrong=wrong)

    async def _reconciled(form: dict[str, str]) -> dict[str, Any]:
        lines = read_invoice("invoice", form.get("invoice", "").splitlines(keepends=True))
        provider = form.get("provider", "").strip()
        if not provider or not lines:
            raise NoInvoice("invoice", 1, "paste an invoice with a line at least, and say whose it is")
        from_, to = days_of(lines)
        report = await reported(show.of, "target,day", None if from_ else "30d", from_, to, {})
        return reconcile(lines, told(report)["rows"], provider)

    return router


def _asked(form: dict[str, str]) -> dict[str, Any]:
    return {"asked": {"provider": form.get("provider", ""), "invoice": form.get("invoice", "")}}
