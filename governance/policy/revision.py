"""The identity of a policy: a hash over what it says, whatever its comments, quotes and order of keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from governance.policy.document import DEFAULT_ORDER, Core

_ORDERED_BY_US: Final = frozenset(DEFAULT_ORDER) | Core.model_fields.keys()


def normal_form(value: Any) -> str:
    """A part of a document as text that is the same for all ways to write it: mappings without order, lists with."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def document_hash(document: Mapping[str, Any]) -> str:
    """`sha256:…` of a whole policy, as parsed and before the environment is filled in.

    The sections of other distributions' plugins are asked in the order of the file where no `plugins` list says
    otherwise, so their order counts.
    """
    inside = document.get("config")
    sections = inside if document.get("name") == "governance" and isinstance(inside, Mapping) else document
    strangers = [key for key in sections if key not in _ORDERED_BY_US]
    text = normal_form([document, strangers] if len(strangers) > 1 else document)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
