"""The sections `policy` and `store`: where the policy's truth is, and where revisions are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

_EXAMPLES: Final = (
    "such as sqlite:////var/lib/governance/governance.db or postgresql://user:${PASSWORD}@host/governance"
)


def sqlite_path(url: str) -> str | None:
    """The file that a URL of SQLite names; None for one of PostgreSQL.

    Raises ValueError for a URL of neither; its message repeats nothing of the URL, which may hold a password.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ValueError(f"is no URL of a store; write one {_EXAMPLES}")
    if scheme == "sqlite":
        path = rest.removeprefix("/")
        if not path.startswith("/") or path.rstrip("/") == "" or "?" in path or "\0" in path:
            raise ValueError(
                "must name a file by its whole path, such as sqlite:////var/lib/governance/governance.db (four strokes)"
            )
        return path
    if scheme != "postgresql":
        raise ValueError(f"stores are sqlite:// and postgresql://; write one {_EXAMPLES}")
    try:
        parts = urlsplit(url)
        named = bool(parts.path.strip("/")) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    if not named:
        raise ValueError("must name a database, such as postgresql://user:${PASSWORD}@host:5432/governance")
    return None


def state_folder(environment: Mapping[str, str]) -> Path:
    """$GOVERNANCE_STATE_DIR, else the user's state folder.

    Source: XDG Base Directory Specification 0.8, `$XDG_STATE_HOME`.
    """
    if environment.get("GOVERNANCE_STATE_DIR"):
        return Path(environment["GOVERNANCE_STATE_DIR"]).absolute()
    state = environment.get("XDG_STATE_HOME", "")
    folder = Path(state) if state.startswith("/") else Path(environment.get("HOME", "/tmp")) / ".local/state"  # noqa: S108
    return (folder / "litellm-governance").absolute()


def default_url(environment: Mapping[str, str]) -> str:
    """The store of a policy that names none: a file that all proxies of this user on this machine share."""
    return f"sqlite:///{state_folder(environment) / 'governance.db'}"


def has_store(url: str | None, environment: Mapping[str, str]) -> bool:
    """Whether there may be something in a store; a file that is not there holds nothing."""
    path = sqlite_path(url or default_url(environment))
    return path is None or Path(path).exists()


def shown(url: str) -> str:
    """A URL as it may be told: who and where, without a password or options."""
    path = sqlite_path(url)
    if path is not None:
        return f"sqlite:///{path}"
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"postgresql://{user}{parts.hostname or ''}{port}{parts.path}"


class PolicySettings(BaseModel):
    """Whether the file is the policy, or only its first revision: the store then has the one in force."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Literal["file", "database"] = "file"


class StoreSettings(BaseModel):
    """Where revisions and audit are; by default a file in $GOVERNANCE_STATE_DIR, or in the user's state folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = Field(default=None, repr=False, json_schema_extra={"writeOnly": True})

    @field_validator("url")
    @classmethod
    def _names_a_store(cls, url: str | None) -> str | None:
        if url is not None:
            sqlite_path(url)
        return url
