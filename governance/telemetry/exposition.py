"""The page that Prometheus reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from governance.telemetry.metrics import PREFIX

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"


def exposition(registry: CollectorRegistry = REGISTRY) -> bytes:
    """The metrics of governance, of all workers where they share a folder, else of this one."""
    shown = CollectorRegistry()
    shown.register(_Ours(_shared() if _SHARED in os.environ else registry))
    return generate_latest(shown)


def incomplete(environment: Mapping[str, str], workers: int) -> str | None:
    """Why the metrics are those of one worker only; None when they are complete."""
    if workers <= 1 or environment.get(_SHARED):
        return None
    return (
        f"the proxy runs {workers} workers and each tells its own metrics; start it with `governance serve`, or with "
        f"{_SHARED} set to an empty folder of its own"
    )


class _Ours(Collector):
    def __init__(self, registry: Any) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        return (metric for metric in self._registry.collect() if metric.name.startswith(PREFIX))


def _shared() -> CollectorRegistry:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
