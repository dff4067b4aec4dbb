"""Only `make clients` runs these: it installs more than a gigabyte."""

from __future__ import annotations

import os

if not os.environ.get("GOVERNANCE_CLIENTS"):
    collect_ignore_glob = ["test_*.py"]
