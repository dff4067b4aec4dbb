"""Nobody changes the policy while an admin has frozen it."""

from __future__ import annotations

import time

from governance.admin.administered import Administered
from governance.admin.answered import NotDone
from governance.usecases.overlay import PolicyFrozen, check_not_frozen, row


async def refuse_while_frozen(of: Administered) -> None:
    """Whatever puts another policy in force asks this first.

    Raises:
        NotDone: it is frozen: by whom, until when and why.
        LedgerUnavailable, StoreUnavailable: nobody knows whether it is.
    """
    try:
        await check_not_frozen(of.overlay.kept, time.time())
    except PolicyFrozen as error:
        raise NotDone(423, "policy_frozen", str(error), entry=row(error.entry)) from None
