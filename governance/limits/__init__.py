"""Limits on subjects: what the sections `rate_limits` and `budgets` have in common."""

from governance.limits.book import OF_CALLER, LimitBook
from governance.limits.effects import away_effects, limit_effects, limit_reach, narrowed, rate_effects
from governance.limits.limit import Limit, limit_problems
from governance.limits.subject_syntax import SubjectNames
from governance.limits.subjects import EVERYONE, Subject, names_of
from governance.limits.warnings import limit_warnings

__all__ = [
    "EVERYONE",
    "OF_CALLER",
    "Limit",
    "LimitBook",
    "Subject",
    "SubjectNames",
    "away_effects",
    "limit_effects",
    "limit_problems",
    "limit_reach",
    "limit_warnings",
    "names_of",
    "narrowed",
    "rate_effects",
]
