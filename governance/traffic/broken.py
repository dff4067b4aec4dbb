"""What is wrong with a line, or with the file that it stands in: a value, and whoever reads goes on behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Fault = Literal[
    "half_written",
    "no_json",
    "other_version",
    "wrong_field",
    "duplicate_id",
    "missing_end",
    "out_of_order",
    "lost_lines",
    "file_cut_off",
    "file_unreadable",
]

HALF_WRITTEN: Final = "half_written"
"""The file ends in the middle of it: its worker was killed, or it is being written."""
NO_JSON: Final = "no_json"
OTHER_VERSION: Final = "other_version"
"""It says that it is of another version of the format, or of none."""
WRONG_FIELD: Final = "wrong_field"
"""A field is missing, or holds what it may not hold."""
DUPLICATE_ID: Final = "duplicate_id"
"""A decision that was read before; the first one holds."""
MISSING_END: Final = "missing_end"
"""Of a request that was let through, and nobody knows how it ended. The line holds for all the rest."""
OUT_OF_ORDER: Final = "out_of_order"
"""It ended before the line in front of it: a clock was set back, or files were put together. The line holds."""
LOST_LINES: Final = "lost_lines"
"""Its worker has numbered lines in between that are not there: it could not keep up, or its disk was full."""
FILE_CUT_OFF: Final = "file_cut_off"
"""A compressed file without its end; what stands before that is read."""
FILE_UNREADABLE: Final = "file_unreadable"

LINE_HOLDS: Final = frozenset({MISSING_END, OUT_OF_ORDER, LOST_LINES})
"""Of these the line itself comes too, behind what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What is wrong, where.

    Args:
        where: `FILE:LINE`, or the file.
        detail: for people.
        lines: how many lines it is about.
    """

    fault: Fault
    where: str
    detail: str = ""
    lines: int = 1

    def __str__(self) -> str:
        return f"{self.where}: {self.fault}" + (f": {self.detail}" if self.detail else "")
