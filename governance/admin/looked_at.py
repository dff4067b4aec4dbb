"""What a change would have done, looked at by a backtest before it is made."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import Any, Final

from governance.admin.administered import Administered
from governance.admin.answered import NotDone
from governance.admin.refused_changes import refusals
from governance.engine.host import Host
from governance.engine.plugins import installed, section_model
from governance.policy import parse_policy
from governance.policy.environment import within
from governance.store import Backtest
from governance.usecases.backtesting import Wanted
from governance.usecases.backtests import BacktestRuns, about
from governance.usecases.candidate import document_hash_of, usable
from governance.usecases.change_guard import NotJudged
from governance.usecases.noted import Author
from governance.usecases.questions import Question

# Of somebody who waits for an answer.
_LOOKS_FOR_S: Final = 10.0


async def started(of: Administered, text: str, question: Question, author: Author) -> Backtest:
    """A backtest of a policy beside the one in force, which runs from now on. Raises NotDone, StoreUnavailable."""
    # A long policy takes a while to read, and requests do not wait for that.
    with refusals():
        hash = await asyncio.to_thread(_checked, of, text)
    active = of.engine.stated.policy
    wanted = Wanted(active, document_hash_of(active.text), text, hash, question, active.core.access.environment)
    try:
        return await of.backtesting.start(wanted, of.models.catalog, author)
    except BacktestRuns as error:
        raise NotDone(409, "backtest_runs", str(error), backtest=about(error.running)) from None


async def guarded(of: Administered, change: partial[Any], within_s: float) -> Any:
    """What comes of a change of the policy, for which the recorded traffic is looked at first where its guard asks.

    Args:
        change: with its `author`.

    Raises:
        NotDone: nobody has looked yet, and it takes longer; the error has the id of what runs as `backtest`.
        StoreUnavailable, and whatever the change raises.
    """
    try:
        return await of.policies.ask(change, within_s)
    except NotJudged as missing:
        one = await started(of, missing.text, missing.question, change.keywords["author"])
        if await of.backtesting.ended(one.id, _LOOKS_FOR_S):
            return await of.policies.ask(change, within_s)
        message = f"the change guard asks what this would have done, and backtest {one.id} still runs; try again then"
        raise NotDone(409, "not_judged", message, backtest=one.id) from None


def _checked(of: Administered, text: str) -> str:
    if of.policies.source == "database":
        usable(text, "policy", of.policies.settings, os.environ)
    else:
        known = within(os.environ, of.engine.stated.policy.core.access.environment)
        Host.start(parse_policy(text, "policy", installed(), section_model, known))
    return document_hash_of(text)
