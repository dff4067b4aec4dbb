"""The nouns: frozen values without I/O that every other room speaks in."""

from governance.model.answers import Failure, Recovery, Refusal, RetryBudget, Ruling, Selection
from governance.model.facts import NO_FACTS, ModelFacts
from governance.model.limits import Charge, Usage, Window
from governance.model.request import NOBODY, Identity, Levels, Models, Percent, Request
from governance.model.sizes import GENERATES_TEXT, TYPICAL_OUTPUT_TOKENS, Habits
from governance.model.target import Rejection, Target, group_of, group_target, once
from governance.model.units import MICROS_PER_USD, NOTHING, REQUEST_TYPES, Mode, Unit

__all__ = [
    "GENERATES_TEXT",
    "MICROS_PER_USD",
    "NOBODY",
    "NOTHING",
    "NO_FACTS",
    "REQUEST_TYPES",
    "TYPICAL_OUTPUT_TOKENS",
    "Charge",
    "Failure",
    "Habits",
    "Identity",
    "Levels",
    "Mode",
    "ModelFacts",
    "Models",
    "Percent",
    "Recovery",
    "Refusal",
    "Rejection",
    "Request",
    "RetryBudget",
    "Ruling",
    "Selection",
    "Target",
    "Unit",
    "Usage",
    "Window",
    "group_of",
    "group_target",
    "once",
]
