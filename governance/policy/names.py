"""Names of entries: which two people would take for one, and which can be a part of an address."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST_NAME: Final = 200


def alike(name: str) -> str:
    """What two names have in common that people take for one: case, width, ligatures and blanks are no difference.

    Source: Unicode Standard Annex 15, form NFKC.
    """
    return unicodedata.normalize("NFKC", name).strip().casefold()


def fault_of_name(name: str) -> str:
    """Why a name cannot be that of a new entry, which has an address by it; "" where it can."""
    if not name or name != name.strip():
        return "must not be empty, and not begin or end with a blank"
    if len(name) > LONGEST_NAME:
        return f"must have at most {LONGEST_NAME} characters"
    if not name.isprintable():
        return "must not hold characters that nobody can see"
    if any(step in ("", ".", "..") for step in name.split("/")):
        return "must not hold an empty part, `.` or `..` between strokes: it is a part of an address"
    return ""
