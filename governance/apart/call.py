"""A function that is called in a process of its own, and what it returns, taken over in slices.

What comes back is pickled in parts of a few entries each by one pickler, so that the whole at the end holds references
alone: no single step of taking it over is longer than a part.
"""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from governance.apart.collections import full_collections_wait
from governance.model.errors import GovernanceError
from governance.model.turns import aside, rest

# Characters. What is shorter is done in a thread within some ten milliseconds, and a process takes a second to start.
LARGE: Final = 32 * 1024
_WITHIN_S: Final = 300.0
_AT_ONCE: Final = 2

log = logging.getLogger("governance.apart")
_turn = threading.BoundedSemaphore(_AT_ONCE)

T = TypeVar("T")


def apart(function: Callable[..., T], *args: Any, size: int) -> T:
    """What `function(*args)` returns or raises.

    Beside the main thread, where that serves requests meanwhile, large work is done in a process of its own. Where no
    process can be started, or what comes of it cannot be handed over, it is done here.

    Args:
        function: of a module, by its name there. Arguments are handed over at once, so they must not be many objects.
        size: characters that it has to read.

    Raises:
        GovernanceError: the process was ended, or did not end in time.
    """
    if size < LARGE or not aside():
        return function(*args)
    with _turn, full_collections_wait():
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "governance.apart"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as error:
            log.warning("no process can be started (%s): %s runs beside requests", error.strerror, function.__name__)
            return function(*args)
        with process:
            late = threading.Timer(_WITHIN_S, process.kill)
            late.daemon = True
            late.start()
            try:
                kind, value = _answer(process, (function, args))
            finally:
                late.cancel()
                process.kill()
    if kind == "returned":
        return value  # type: ignore[no-any-return]
    if kind == "raised":
        raise value
    if kind == "untold":
        log.warning("%s cannot be handed over between processes (%s): it runs beside requests", *value)
        return function(*args)
    raise GovernanceError(f"{function.__name__}: the process that was to do it ended before, or took {_WITHIN_S:.0f} s")


def _answer(process: subprocess.Popen[bytes], work: tuple[Any, ...]) -> tuple[str, Any]:
    asked, told = process.stdin, process.stdout
    if asked is None or told is None:
        return "ended", None
    # A process that has ended already is found out by what it does not say.
    with suppress(BrokenPipeError):
        # First where to find the rest of it.
        asked.write(pickle.dumps(sys.path) + pickle.dumps(work))
        asked.close()
    parts = pickle.Unpickler(told)  # noqa: S301 - our own process wrote it
    try:
        while True:
            kind, value = parts.load()
            if kind != "part":
                return kind, value
            rest()
    except (EOFError, pickle.UnpicklingError):
        return "ended", None
