"""Answers each failed attempt: try the next target or not, and leave the failed one alone for a while or not."""

from __future__ import annotations

from governance.hookspecs import hookimpl
from governance.model import Failure, Recovery, Request, RetryBudget, Target
from governance.model.changes import Effect, SectionChange
from governance.model.failure_kinds import BY_NAME
from governance_plugins.failover.config import LONGEST_COOL_DOWN_S, FailoverConfig


class Failover:
    """Plugin `failover`."""

    Config = FailoverConfig

    def __init__(self, config: FailoverConfig) -> None:
        self._config = config
        budget = config.retry_budget
        self._budget = RetryBudget(budget.percent, budget.at_least)

    @staticmethod
    def effects(change: SectionChange) -> set[Effect]:
        """Who is tried after a failure, and who is left alone, is all that this section says."""
        return {"reroutes"}

    @hookimpl
    def on_failure(self, request: Request, target: Target, failure: Failure) -> Recovery:
        config = self._config
        try_next = failure.attempt < config.max_attempts and failure.kind not in config.do_not_retry
        if config.max_elapsed is not None and failure.elapsed_s >= config.max_elapsed:
            try_next = False
        rule = config.cool_down_for(failure.kind)
        if rule is None or (rule.unless_alone and failure.alone):
            return Recovery(try_next=try_next, budget=self._budget)
        said = BY_NAME[failure.kind].unsaid_s if failure.retry_after_s is None else failure.retry_after_s
        seconds = said if rule.seconds is None else rule.seconds
        # Who fails its probe is as ill as before.
        after = 1 if failure.probe else rule.after
        return Recovery(min(seconds, LONGEST_COOL_DOWN_S), after, rule.within_s, try_next, self._budget)
