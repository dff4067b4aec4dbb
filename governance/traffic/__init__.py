"""Recorded traffic: the format `trace.v1`, one line for each decision, and the files that hold it."""

from governance.traffic.broken import Broken
from governance.traffic.line import TraceLine, decoded, encoded
from governance.traffic.parts import Asked, Hop, Size, Spot, Told, Used, Who

__all__ = ["Asked", "Broken", "Hop", "Size", "Spot", "Told", "TraceLine", "Used", "Who", "decoded", "encoded"]
