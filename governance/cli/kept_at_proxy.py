"""The revisions of a policy, at a running proxy."""

from __future__ import annotations

from typing import Any, Final

from governance.cli.keeping import How, NotDone
from governance.cli.running_proxy import NotAnswered, RunningProxy
from governance.cli.terminal import CANNOT_RUN, FORBIDDEN
from governance.model.errors import GovernanceError, PolicyError, Problem

_PAGE: Final = 200
_GUARDS: Final = frozenset(
    {
        "stale_base",
        "guard_exceeded",
        "not_judged",
        "tests_failed",
        "reason_required",
        "candidate_staged",
        "no_candidate",
        "policy_frozen",
    }
)


class AtProxy:
    """What a running proxy keeps."""

    def __init__(self, proxy: RunningProxy) -> None:
        self._proxy = proxy

    def history(self, most: int) -> list[dict[str, Any]]:
        return self._pages("/api/policy/revisions", "revisions", most)

    def show(self, id: int | None) -> dict[str, Any]:
        if id is None:
            told: dict[str, Any] = self._proxy.get("/api/policy")
            if told["yaml"] is None:
                what = ", ".join(told["withheld"])
                raise NotDone(f"{told['file']}: is not shown, because of secrets that stand in it: {what}", FORBIDDEN)
            return {**(told["active"] or {"id": None, "hash": told["revision"]}), "yaml": told["yaml"]}
        try:
            found: dict[str, Any] = self._proxy.get(f"/api/policy/revisions/{id}")
        except NotAnswered as error:
            if error.told.get("code") == "no_such_revision":
                raise GovernanceError(str(error.told.get("message"))) from None
            raise
        return found

    def apply(self, text: str, name: str, base: str | None, how: How) -> dict[str, Any]:
        tests = {} if how.tests is None else {"tests": how.tests}
        return self._change("/api/policy/apply", {"policy": text, **tests, **_staged(how)}, base, name, how)

    def rollback(self, id: int, base: str | None, how: How) -> dict[str, Any]:
        return self._change(f"/api/policy/rollback/{id}", {}, base, f"revision {id}", how)

    def promote(self, id: int | None, how: How) -> dict[str, Any]:
        return self._change("/api/policy/promote", {"revision": id, **_staged(how)}, None, "the candidate", how)

    def abort(self, id: int | None, how: How) -> dict[str, Any]:
        return self._change("/api/policy/abort", {"revision": id}, None, "the candidate", how)

    def candidate(self) -> dict[str, Any]:
        found: dict[str, Any] = self._proxy.get("/api/policy/candidate")
        return found

    def events(self) -> list[dict[str, Any]]:
        return self._pages("/api/policy/audit", "events", None)[::-1]

    def verified(self) -> dict[str, Any]:
        told = self._proxy.get("/api/policy/audit", limit="1", verify="true")
        verified: dict[str, Any] = told.get("verified") or {"events": 0, "head": "", "faults": []}
        return verified

    def _pages(self, path: str, name: str, most: int | None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor = None
        while most is None or len(rows) < most:
            page = self._proxy.get(
                path, limit=str(_PAGE if most is None else min(_PAGE, most - len(rows))), cursor=cursor
            )
            rows += page[name]
            cursor = page["cursor"]
            if cursor is None:
                break
        return rows

    def _change(self, path: str, body: dict[str, Any], base: str | None, name: str, how: How) -> dict[str, Any]:
        tag = "*" if base is None else f'"{base}"'
        body |= {"comment": how.comment, "wait": how.wait_s, **({"force": True} if how.force else {})}
        try:
            told: dict[str, Any] = self._proxy.post(path, body, {"if-match": tag}, how.wait_s)
        except NotAnswered as error:
            code = error.told.get("code")
            if code == "invalid_policy" and error.told.get("problems"):
                problems = [Problem(**{**problem, "source": name}) for problem in error.told["problems"]]
                raise PolicyError(problems) from None
            if code in ("invalid_policy", "no_such_revision"):
                raise GovernanceError(str(error.told.get("message"))) from None
            raise NotDone(str(error), FORBIDDEN if code in _GUARDS else CANNOT_RUN) from None
        return told


def _staged(how: How) -> dict[str, Any]:
    overruled = {"override_guard": how.override_guard} if how.override_guard else {}
    return overruled if how.stage is None else {**overruled, "percent": how.stage[0], "shadow": how.stage[1]}
