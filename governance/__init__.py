"""A governance layer for the LiteLLM proxy. These are the names that a plugin author needs."""

from governance.hookspecs import hookimpl
from governance.model import (
    Charge,
    Failure,
    Identity,
    Recovery,
    Refusal,
    Rejection,
    Request,
    Ruling,
    Selection,
    Target,
    Usage,
    Window,
)
from governance.model.errors import GovernanceError, PolicyError

__all__ = [
    "Charge",
    "Failure",
    "GovernanceError",
    "Identity",
    "PolicyError",
    "Recovery",
    "Refusal",
    "Rejection",
    "Request",
    "Ruling",
    "Selection",
    "Target",
    "Usage",
    "Window",
    "hookimpl",
]
