"""How forms of entries are laid out and what their fields are called. A field that stands in no part comes last."""

from __future__ import annotations

from typing import Final

PARTS: Final = {
    "profiles": (("", ("name", "virtual_provider", "strategy", "mode", "enabled")), ("Targets", ("targets",))),
    "rules": (
        ("", ("name", "mode", "enabled")),
        ("When it is asked", ("scope", "scope_id", "priority", "cel_expression")),
        ("Then", ("targets", "model", "refuse", "fallbacks")),
    ),
    "limits": (
        ("", ("name", "mode", "enabled")),
        ("Whom it counts", ("subject",)),
        ("How much", ("requests", "tokens", "input_tokens", "output_tokens", "concurrent")),
        ("When it is near, and when it is full", ("alert_at", "on_exceeded")),
    ),
    "budgets": (
        ("", ("name", "mode", "enabled")),
        ("Whom it counts", ("subject",)),
        ("How much", ("amount", "rolling", "timezone", "unpriced")),
        ("When it is near, and when it is full", ("alert_at", "on_exceeded")),
    ),
}
# Of a row: what is asked first; the rest is folded away until somebody says something of it.
OF_ROW: Final = ("provider", "model", "group", "priority", "weight", "enabled")

_LABELS: Final = {
    "cel_expression": "Condition, in CEL; empty: always",
    "match": "Only requests for which, in CEL",
    "scope_id": "Its id or name",
    "virtual_provider": "Asked for as, before the /",
    "virtual_model": "Asked for as",
    "alert_at": "Tell somebody at",
    "on_exceeded": "When it is full",
    "unpriced": "A model without a price",
    "route_to": "Model instead",
    "concurrent": "At once, in flight",
    "amount": "Money per period",
    "cost": "Money per period",
    "chain_rule": "Ask the rules again with what it decided",
    "mode": "Mode",
    "model": "Model",
    "on_unavailable": "While nothing can be counted",
    "shared": "End users and tags count together, whoever names them",
    "rolling": "Rolling: in any period of this length, not in each of the calendar",
    "refuse": "Or refuse",
    "fallbacks": "When they fail, one a line",
    "access": "Whose right to the target counts",
    "when_full": "When this is full",
    "timezone": "Time zone of the calendar",
    "enabled": "In use",
    "input": "Input, assumed",
    "output": "Output, assumed",
}
_HINTS: Final = {
    "requests": "600/minute, 10k/day",
    "tokens": "2M/minute",
    "input_tokens": "1M/hour",
    "output_tokens": "100k/hour",
    "alert_at": "80%, 95%",
    "concurrent": "8",
    "amount": "500 USD/month, 50 USD/day",
    "cost": "5 USD/hour",
    "timezone": "Europe/Berlin",
    "cel_expression": 'headers["x-tier"] == "premium"',
    "match": 'request_type == "embedding"',
    "fallbacks": "anthropic/claude-sonnet-4-5",
    "virtual_provider": "fast",
    "route_to": "fast/glm-4.7",
    "require": "{region: eu}",
    "labels": "{region: eu}",
}
_WORDS: Final = {"global": "everybody", "other": "another model", "enforce": "enforce", "everyone": "everyone together"}
SUGGESTED: Final = {"provider": "providers", "model": "models", "group": "groups"}


def label(key: str, at: str = "") -> str:
    """`input_tokens` -> `Input tokens`; some are called otherwise."""
    if at == "model":
        return "Or hand over: ask for this model"
    return _LABELS.get(key) or key.replace("_", " ").capitalize()


def hint(key: str, example: str) -> str:
    """What may stand there, where nothing does."""
    return _HINTS.get(key) or example


def about(key: str, said: str) -> str:
    """What the schema says of a field, where its label does not."""
    return "" if key in _LABELS else said


def choice(key: str, word: str) -> str:
    """A choice as people read it."""
    if word == "other" and key == "unpriced":
        return "count it at these prices"
    return _WORDS.get(word, word.replace("_", " "))
