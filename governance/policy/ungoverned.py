"""What a policy says about endpoints that nothing counts."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, WithJsonSchema

from governance.policy.messages import did_you_mean

OTHER: Final = "other"
ENDPOINTS: Final = (
    "agents",
    "assistants",
    "batches",
    "containers",
    "decisions",
    "evals",
    "files",
    "fine_tuning",
    "guardrails",
    "health",
    "interactions",
    "model_pass_through",
    "prompts",
    "queue",
    "rag",
    "realtime",
    "search",
    "skills",
    "vector_stores",
    "videos",
    OTHER,
)
"""Those that governance knows by name; all others are `other`."""


def _named(value: Any) -> Any:
    if value in ("refuse", "allow"):
        return value
    if not isinstance(value, (list, tuple)):
        raise ValueError("must be refuse, allow or a list of endpoints such as [videos, batches]")
    for name in value:
        if name not in ENDPOINTS:
            known, close = ", ".join(ENDPOINTS), did_you_mean(name, ENDPOINTS) if isinstance(name, str) else ""
            raise ValueError(f"`{str(name)[:40]}` is no endpoint{close or f'; they are {known}'}")
    return tuple(value)


Ungoverned = Annotated[
    Literal["refuse", "allow"] | tuple[str, ...],
    BeforeValidator(_named),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": ["refuse", "allow"]},
                {"type": "array", "items": {"type": "string", "enum": list(ENDPOINTS)}},
            ],
            "default": "refuse",
        }
    ),
]


def opened(said: Literal["refuse", "allow"] | tuple[str, ...]) -> frozenset[str]:
    """The endpoints that everybody may use under a policy which says this."""
    return frozenset(ENDPOINTS if said == "allow" else () if said == "refuse" else said)
