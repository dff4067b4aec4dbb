"""What a gateway must not lose: revisions of the policy, which of them is in force, and who changed what.

SQLAlchemy stands in this room alone. Every call blocks: a proxy makes them in threads of their own.
"""

from governance.store.connection import shown
from governance.store.records import Event, Pointer, Revision, Worker
from governance.store.store import Store, default_url, open_store

__all__ = ["Event", "Pointer", "Revision", "Store", "Worker", "default_url", "open_store", "shown"]
