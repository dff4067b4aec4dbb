"""Conditions in CEL: checked when the policy is loaded, bounded, evaluated for a request.

`compile_condition(text)` refuses what cannot be evaluated or cannot be bounded; `Facts(request, names)` is what the
conditions see of one request; `Expression.evaluate(facts)` answers True, False or None (no match).
`Condition` is the pydantic type for a plugin's section.
"""

from governance.expressions.compiled import Condition, Expression, compile_condition
from governance.expressions.facts import Facts
from governance.expressions.index import Index
from governance.expressions.together import much, too_much
from governance.expressions.variables import PERCENTS, VARIABLES

__all__ = [
    "PERCENTS",
    "VARIABLES",
    "Condition",
    "Expression",
    "Facts",
    "Index",
    "compile_condition",
    "much",
    "too_much",
]
