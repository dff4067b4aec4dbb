"""The guard of the policy in force, which a change of it has to keep within, or somebody overrules it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from governance.backtest.report import Report
from governance.engine.host import Host
from governance.model.errors import GovernanceError
from governance.policy.change_guard import ChangeGuard
from governance.policy.document import Core
from governance.store import Revision, Store
from governance.usecases.candidate import usable_revision
from governance.usecases.compare import compare
from governance.usecases.guard import ReasonRequired
from governance.usecases.judged import Judgement, judge
from governance.usecases.noted import plain
from governance.usecases.questions import Question

# What was found is believed for so long; traffic of a week says the same a day later.
BELIEVED: Final = timedelta(days=1)
LONGEST_REASON: Final = 2_000


class GuardExceeded(GovernanceError):
    """A change does more than the change guard allows; nothing was done.

    Attributes:
        judgement: with the figures.
    """

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(
            f"the change guard does not allow it: {judgement.words}; say why by `override_guard`, or leave it"
        )
        self.judgement = judgement


class NotJudged(GovernanceError):
    """No backtest of this change has been made of late, and the change guard asks for one; nothing was done.

    Attributes:
        active, text: the policy in force, and the one that is to be.
        question: what has to be asked of the traffic.
    """

    def __init__(self, active: Revision, text: str, question: Question) -> None:
        super().__init__(
            "the policy has a change guard, and nobody has looked at what this change would have done; make a backtest "
            "of it first (`governance backtest`, POST /governance/api/backtests)"
        )
        self.active, self.text, self.question = active, text, question


class GuardOf:
    """The change guard of the policy in force, for one change.

    Args:
        override: why it is overruled; "" = it is not.
    """

    def __init__(self, file: Core, environment: Mapping[str, str], override: str, now: datetime) -> None:
        self._file, self._environment, self._now = file, environment, now
        if override and not override.strip():
            raise ReasonRequired("who overrules the change guard says why")
        self._override = plain(override.strip(), LONGEST_REASON)

    def judged(self, store: Store, active: Revision, candidate: Host, hash: str) -> Judgement | None:
        """What came of it; None where nothing is guarded, or nothing changes that decides anything.

        Raises:
            GuardExceeded: and nobody overruled it.
            NotJudged: nobody has looked yet, and nobody overruled it.
            StoreUnavailable: it is not known.
        """
        before = self._in_force(active)
        guard = ChangeGuard() if before is None else before.policy.core.change_guard
        if before is None or not guard.given or active.hash == hash or _decides_nothing(before, candidate):
            return None
        question = Question(last_s=guard.last)
        found = evidence(store, active.hash, hash, question, self._now)
        if found is None:
            if not self._override:
                raise NotJudged(active, candidate.policy.text, question)
            return Judgement(why_not="it was overruled before anybody looked at the traffic")
        judgement = judge(found[1], guard.max_new_refusals, guard.max_cost, found[0])
        if judgement.exceeded and not self._override:
            raise GuardExceeded(judgement)
        return judgement

    def audited(self, judgement: Judgement | None) -> list[dict[str, Any]]:
        """The same, as the audit tells it."""
        if judgement is None:
            return []
        told = {key: value for key, value in judgement.report().items() if value not in (None, [], ())}
        why = {"overruled": self._override} if self._override and (judgement.exceeded or judgement.why_not) else {}
        return [{"kind": "change_guard", "path": "", "after": {**told, **why}}]

    def _in_force(self, active: Revision) -> Host | None:
        if "change_guard" not in active.yaml:
            return None
        try:
            return usable_revision(active, self._file, self._environment)
        except GovernanceError:  # a damaged revision must not keep anybody from replacing it
            return None


def evidence(
    store: Store, active_hash: str, candidate_hash: str, question: Question, now: datetime
) -> tuple[str, Report] | None:
    """The newest backtest of these two that answers this question, by its id; None where there is none of late."""
    with store.read() as work:
        known = work.backtests.of_both(active_hash, candidate_hash, now - BELIEVED)
    for each in known:
        if each.state == "done" and each.asked == question.text and each.result is not None:
            return each.id, Report.from_json(each.result)
    return None


def _decides_nothing(before: Host, after: Host) -> bool:
    return all(set(change.effects) == {"cosmetic"} for change in compare(before, after))
