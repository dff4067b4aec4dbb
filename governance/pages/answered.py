"""How pages answer when they cannot do what was asked: always as a page that says what is wrong and what would help."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from governance.admin.answered import NotDone
from governance.model.errors import GovernanceError, LedgerUnavailable, StoreUnavailable
from governance.model.printable import printable
from governance.pages.door import LoginNeeded
from governance.pages.render import error_page

UI: Final = "/governance/ui"

log = logging.getLogger("governance.pages")


class Shown(APIRoute):
    """A route whose every mistake, also one of its dependencies, is a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except LoginNeeded as error:
                # A part of a page cannot show the login: the whole page goes there.
                if request.headers.get("hx-request"):
                    return Response(status_code=401, headers={"hx-redirect": error.url, "cache-control": "no-store"})
                return RedirectResponse(error.url, 303, {"cache-control": "no-store"})
            except NotDone as error:
                return error_page(request, error.status, error.message, error.headers)
            except RequestValidationError as error:
                told = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
                return error_page(request, 400, told)
            except HTTPException as error:
                return error_page(request, error.status_code, str(error.detail), dict(error.headers or {}))
            except LedgerUnavailable:
                told = "the ledger, where everything is counted, does not answer; try again in a moment"
                return error_page(request, 503, told, {"retry-after": "1"})
            except StoreUnavailable as error:
                return error_page(request, 503, str(error), {"retry-after": "1"})
            except GovernanceError as error:
                return error_page(request, 422, str(error))
            except Exception:  # whatever it is, a person waits for a page
                log.exception("%s %s failed", request.method, printable(request.url.path))
                return error_page(request, 500, "this page failed; the proxy's log says why")

        return answer
