"""The revision that a machine served by last, on its own disk, so that a proxy starts while the store is away."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from governance.model.errors import PolicyError
from governance.policy.nodes import read_tree
from governance.policy.revision import document_hash
from governance.policy.truth import default_url, state_folder
from governance.store.records import Revision

_HEAD = "# kept by governance, for when the store does not answer: "


class Kept(NamedTuple):
    """What there is of a revision without its store."""

    id: int
    hash: str
    yaml: str


class LastGood:
    """One file for each store that proxies of this machine follow; all their workers write the same to it."""

    def __init__(self, url: str | None, environment: Mapping[str, str]) -> None:
        named = hashlib.sha256((url or default_url(environment)).encode()).hexdigest()[:12]
        self.path = state_folder(environment) / f"policy.last-good.{named}.yaml"

    def read(self) -> Kept | None:
        """What was kept; None where nothing was, or where it is not what was kept."""
        try:
            head, _, yaml = self.path.read_bytes().decode("utf-8").partition("\n")
            told = json.loads(head.removeprefix(_HEAD))
            found = document_hash(read_tree(yaml, self.path.name).data)
            return Kept(int(told["id"]), found, yaml) if found == told["hash"] else None
        except (OSError, ValueError, LookupError, TypeError, AttributeError, PolicyError):
            return None

    def keep(self, revision: Revision) -> None:
        """Keep this one instead. Raises OSError."""
        head = json.dumps({"id": revision.id, "hash": revision.hash})
        content = f"{_HEAD}{head}\n{revision.yaml}".encode()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".last-good-")  # made with mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:  # also when it is interrupted, nothing half written stays behind
            Path(name).unlink(missing_ok=True)
            raise
