"""Models of the map that have a price for each size or quality of their images, and none under their own name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_SIZE: Final = re.compile(r"([0-9]{3,5})-?x-?([0-9]{3,5})")
_QUALITY: Final = re.compile(r"low|medium|high|xhigh|hd|standard|auto|[0-9]+-steps|max-steps")
_PER_IMAGE: Final = ("output_cost_per_image", "input_cost_per_image")
_PER_PIXEL: Final = ("output_cost_per_pixel", "input_cost_per_pixel")


def sized_entries(model_map: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """By the name without size and quality: the entry of the dearest image. `azure/hd/1024-x-1792/dall-e-3` is
    `azure/dall-e-3`.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, entry in model_map.items():
        parts = name.split("/")
        own = [part for part in parts if not _SIZE.fullmatch(part) and not _QUALITY.fullmatch(part)]
        if len(own) == len(parts) or not own or not isinstance(entry, Mapping):
            continue
        usd = _usd_per_image(entry, [size for size in map(_SIZE.fullmatch, parts) if size])
        bare = "/".join(own)
        if usd is not None and usd > found.get(bare, {}).get("output_cost_per_image", -1):
            kept = {key: value for key, value in entry.items() if key not in (*_PER_IMAGE, *_PER_PIXEL)}
            found[bare] = {**kept, "output_cost_per_image": usd}
    return found  # type: ignore[return-value]


def _usd_per_image(entry: Mapping[str, Any], sizes: list[re.Match[str]]) -> float | None:
    pixels = int(sizes[0][1]) * int(sizes[0][2]) if sizes else 0
    for names, times in ((_PER_IMAGE, 1), (_PER_PIXEL, pixels)):
        for name in names:
            price = entry.get(name)
            if isinstance(price, (int, float)) and price > 0 and times:
                return float(price) * times
    return None
