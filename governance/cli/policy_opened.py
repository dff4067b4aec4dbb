"""A policy as verbs name it: a file, a revision by its number, or the one in force."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from governance.cli.kept import kept
from governance.cli.terminal import policy_path

if TYPE_CHECKING:
    from governance.engine.host import Host

RUNNING: Final = "running"


class Opened(NamedTuple):
    """Args:
    name: of its file.
    """

    name: str
    host: Host


def opened(name: str, policy: Path | None, url: str | None, key_env: str) -> Opened:
    """The policy of this name. A file of the name goes before a revision. Raises GovernanceError.

    Args:
        policy, url, key_env: where revisions are kept.
    """
    from governance.engine.host import Host
    from governance.engine.plugins import installed, section_model
    from governance.policy import parse_policy

    number = name if name.isascii() and name.isdecimal() and len(name) < 19 else ""
    if Path(name).exists() or not (number or name == RUNNING):
        return Opened(Path(name).name, Host.load(name))
    text = kept(url, key_env, policy).show(int(number) if number else None)["yaml"]
    source = f"revision {number}" if number else "the policy in force"
    read = parse_policy(text, source, installed(), section_model, os.environ)
    return Opened(policy_path(policy).name, Host.start(read))
