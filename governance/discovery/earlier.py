"""The file in which earlier versions kept what discovery knows; it is read, and never written."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from governance.discovery.source import DiscoveryFailed
from governance.discovery.state import State


class Earlier(NamedTuple):
    """What such a file holds.

    Args:
        digest: of its bytes, so that what was taken over once is known.
    """

    path: Path
    digest: str
    state: State


def earlier_path(environment: Mapping[str, str]) -> Path:
    """Where it stood unless the policy said otherwise: $GOVERNANCE_STATE_DIR, else the user's cache directory."""
    if environment.get("GOVERNANCE_STATE_DIR"):
        return Path(environment["GOVERNANCE_STATE_DIR"]) / "catalogue.json"
    cache = environment.get("XDG_CACHE_HOME", "")
    folder = Path(cache) if cache.startswith("/") else Path(environment.get("HOME", "/tmp")) / ".cache"  # noqa: S108
    return folder / "litellm-governance" / "catalogue.json"


def read_earlier(path: Path) -> Earlier | None:
    """What is in the file; None where there is none.

    Raises:
        DiscoveryFailed: it cannot be read, or is damaged.
    """
    try:
        content = path.read_bytes()
        return Earlier(path, sha256(content).hexdigest(), State.model_validate_json(content))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DiscoveryFailed(f"{path}: cannot be read: {error.strerror}") from None
    except (ValidationError, RecursionError):
        raise DiscoveryFailed(f"{path}: is damaged, and nothing of it is taken over; remove it") from None
