"""Answers each failed attempt: try the next target or not, and leave the failed one alone for a while or not."""

from __future__ import annotations

from governance.hookspecs import hookimpl
from governance.model import Failure, Recovery, Request, Target
from governance.model.changes import Effect, SectionChange
from governance_plugins.failover.config import LONGEST_COOL_DOWN_S, FailoverConfig

# For a provider that says "too many requests" and not for how long.
_UNSAID_RETRY_AFTER_S = 10.0


class Failover:
    """Plugin `failover`."""

    Config = FailoverConfig

    def __init__(self, config: FailoverConfig) -> None:
        self._config = config

    @staticmethod
    def effects(change: SectionChange) -> set[Effect]:
        """Who is tried after a failure, and who is left alone, is all that this section says."""
        return {"reroutes"}

    @hookimpl
    def on_failure(self, request: Request, target: Target, failure: Failure) -> Recovery:
        config = self._config
        try_next = failure.attempt < config.max_attempts and failure.kind not in config.do_not_retry
        rule = next((rule for kind, rule in config.cool_down.items() if kind == failure.kind), None)
        if rule is None:
            return Recovery(try_next=try_next)
        said = _UNSAID_RETRY_AFTER_S if failure.retry_after_s is None else failure.retry_after_s
        seconds = said if rule.seconds is None else rule.seconds
        return Recovery(min(seconds, LONGEST_COOL_DOWN_S), rule.after, rule.within_s, try_next)
