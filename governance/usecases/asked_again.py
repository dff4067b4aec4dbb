"""A decision that was made, as a question that can be asked again: of Simulate, or as a test of the policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def asked_again(record: Mapping[str, Any]) -> dict[str, Any]:
    """Input for a simulation. A record holds no prompt, so its length and kind stand for it."""
    request, identity = record["request"], record["identity"]
    given: dict[str, Any] = {
        "body": {"model": request["model"]},
        "request_type": request["request_type"],
        "identity": {name: value for name, value in identity.items() if value},
        "tags": request["tags"],
        "capabilities": request["capabilities"],
        "modalities": request["modalities"],
        "task": request["task"],
        "prompt_tokens": request["prompt_tokens"],
        "max_output_tokens": request["max_output_tokens"],
        "streaming": request["streaming"],
    }
    return {name: value for name, value in given.items() if value not in (None, "", [], {}, False)}


def policy_test(record: Mapping[str, Any]) -> str:
    """The YAML of a policy test that expects what was decided."""
    again = asked_again(record)
    request: dict[str, Any] = {"model": again["body"]["model"], "at": record["at"]}
    request |= {name: value for name, value in again.items() if name not in ("body", "tags") and value}
    if again.get("tags"):
        request["tags"] = again["tags"]
    used = [
        {"limit": w["limit"], "subject": w["subject"], "unit": w["unit"], "used": w["used_before"]}
        for w in record["windows"]
        if w["used_before"]
    ]
    if used:
        request["usage"] = used
    expect: dict[str, Any] = {"outcome": record["outcome"]}
    refusal = record["refusal"]
    if refusal:
        expect["refusal"] = {"status": refusal["status"], "code": refusal["code"]}
    else:
        expect["model"] = record["model"] or record["request"]["model"]
    if record["profile"]:
        expect["profile"] = record["profile"]
    if record["rule"]:
        expect["rule"] = record["rule"]
    name = f"as decided on {record['at'][:19]}Z"
    return yaml.safe_dump({"tests": [{"name": name, "request": request, "expect": expect}]}, sort_keys=False)
