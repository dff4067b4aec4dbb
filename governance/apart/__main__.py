"""The process: reads what to call, calls it, and writes what came of it in parts. See `call`."""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
from typing import Any

from governance.apart.parts import parts


def main() -> None:
    # Ctrl-C is for whoever waits for this, and ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What plugins print must not get between what is told.
    told = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asked = sys.stdin.buffer
    sys.path[:] = pickle.load(asked)  # noqa: S301 - the process that started this one wrote it
    function, args = pickle.load(asked)  # noqa: S301 - the same
    try:
        kind, value = "returned", function(*args)
    except Exception as error:  # whatever it is, it belongs to whoever called
        kind, value = "raised", error
    try:
        _tell(told, kind, value)
        told.close()
    except BrokenPipeError:
        pass  # nobody waits any more
    # Nothing here needs to be taken apart object by object.
    os._exit(0)


def _tell(told: Any, kind: str, value: Any) -> None:
    # Told in whole messages: one that cannot be made leaves nothing behind.
    message = io.BytesIO()
    pickler = pickle.Pickler(message, protocol=pickle.HIGHEST_PROTOCOL)

    def tell(what: tuple[str, Any]) -> None:
        message.seek(0)
        message.truncate()
        pickler.dump(what)
        made.append(message.getvalue())

    made: list[bytes] = []
    try:
        for part in parts(value) if kind == "returned" else ():
            tell(("part", part))
        if kind == "raised" and type(pickle.loads(pickle.dumps(value))) is not type(value):  # noqa: S301 - our own
            raise TypeError("another error would be raised")
        tell((kind, value))
    except Exception as error:  # what plugins keep in their sections may be anything
        made = [pickle.dumps(("untold", (kind, type(error).__name__)))]
    told.writelines(made)


if __name__ == "__main__":
    main()
