"""`budgets`: at most so much money in each period of the calendar, or in any period, for each subject."""

from governance_plugins.budgets.plugin import Budgets

__all__ = ["Budgets"]
