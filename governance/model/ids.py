"""Ids of what happens."""

from __future__ import annotations

import os
import time


def uuid7() -> str:
    """A time-ordered id that nobody can guess. Source: RFC 9562, section 5.7."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | 7 << 76
    value = (value & ~(0x3 << 62)) | 2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
