"""What a gateway must not lose: revisions of the policy, which of them is in force, and who changed what.

SQLAlchemy stands in this room alone. Every call blocks: a proxy makes them in threads of their own.
"""

from governance.policy.truth import default_url, shown
from governance.store.discovered import NOTHING, Known
from governance.store.records import Answer, Backtest, Draft, Event, KeptPlan, Pointer, Revision, Staging, Worker
from governance.store.store import Store, open_store

__all__ = [
    "NOTHING",
    "Answer",
    "Backtest",
    "Draft",
    "Event",
    "KeptPlan",
    "Known",
    "Pointer",
    "Revision",
    "Staging",
    "Store",
    "Worker",
    "default_url",
    "open_store",
    "shown",
]
