"""Somebody has to do something about a target: pay, or mend what no waiting mends."""

from __future__ import annotations

from typing import NamedTuple


class TargetAlert(NamedTuple):
    """A provider serves the operator's account no more.

    Args:
        kind: of failure.
        until_s: Unix seconds until which the target is left alone.
    """

    target: str
    kind: str
    until_s: float
    at_s: float
    policy_revision: str
