"""Discovery: which models providers list, read safely, one provider at a time whole or not at all, and kept.

`governance.discovery.sync` does the reading; what is here needs no HTTP client.
"""

from governance.discovery.safety import check_url
from governance.discovery.source import KNOWN, DiscoveryFailed, Found, Kind, Known, Source
from governance.discovery.state import Listed, State, utc_now
from governance.discovery.store import Store, default_path

__all__ = [
    "KNOWN",
    "DiscoveryFailed",
    "Found",
    "Kind",
    "Known",
    "Listed",
    "Source",
    "State",
    "Store",
    "check_url",
    "default_path",
    "utc_now",
]
