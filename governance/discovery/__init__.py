"""Discovery: which models providers list, read safely, one provider at a time whole or not at all, and kept.

`governance.discovery.sync` does the reading; what is here needs no HTTP client.
"""

from governance.discovery.earlier import Earlier, earlier_path, read_earlier
from governance.discovery.safety import check_url
from governance.discovery.source import KNOWN, DiscoveryFailed, Found, Kind, Known, Source
from governance.discovery.state import Change, Listed, State, utc_now

__all__ = [
    "KNOWN",
    "Change",
    "DiscoveryFailed",
    "Earlier",
    "Found",
    "Kind",
    "Known",
    "Listed",
    "Source",
    "State",
    "check_url",
    "earlier_path",
    "read_earlier",
    "utc_now",
]
