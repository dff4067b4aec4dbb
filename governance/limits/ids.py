"""How the ids of subjects are written, alone and together."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

# Between the parts of a subject.
AND: Final = " && "
# Of an id that is shown beside a name: enough to tell keys apart.
SHORT_ID: Final = 12
# Callers choose some of their ids; each is a count that is kept.
_LONGEST_ID: Final = 200


def spelled(name: str) -> str:
    """An id as subjects hold it: itself, unless it is long or could be read as several parts or as no text at all."""
    if len(name) <= _LONGEST_ID and name.isascii() and AND not in name:
        return name
    encoded = name.encode("utf-8", "surrogatepass")
    text = encoded.decode("utf-8", "replace")
    if text == name and len(name) <= _LONGEST_ID and AND not in name:
        return name
    # Its digest keeps apart what begins alike.
    return f"{text[: _LONGEST_ID // 2].replace('&', '+')}… {sha256(encoded).hexdigest()[:32]}"


def short_id(known: str) -> str:
    """The beginning of a long id."""
    return f"{known[:SHORT_ID]}…"
