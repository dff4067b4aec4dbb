"""The description of the API: valid, whole, and for admins and viewers alone."""

from __future__ import annotations

import re
from typing import Any

from jsonschema import Draft202012Validator

from tests.admin.kept import caller

PAGE = "/governance/api/openapi.json"


async def test_every_page_has_a_summary_and_says_what_it_takes_and_how_it_fails(stored: Any) -> None:
    async with caller(stored, "viewer") as viewer, caller(stored, "somebody") as somebody:
        told = (await viewer.get(PAGE)).json()
        denied = await somebody.get(PAGE)

    assert denied.status_code == 403
    assert {"/governance/api/limits/{name}", "/api/governance/routing-profiles", PAGE} <= told["paths"].keys()
    for path, page in told["paths"].items():
        for method, operation in page.items():
            assert operation["summary"], path
            assert set(re.findall(r"{(\w+)}", path)) <= {each["name"] for each in operation.get("parameters", ())} or (
                "{" not in path
            )
            assert "default" in operation["responses"]
            if method in ("post", "put", "patch"):
                assert "requestBody" in operation, path
                assert "idempotency-key" in {each["name"] for each in operation["parameters"]}
    for schema in told["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    text = str(told)
    for name in set(re.findall(r"#/components/schemas/([\w-]+)", text)):
        assert name in told["components"]["schemas"]
