"""Servers of a test's own, in a thread beside it."""

import contextlib
import threading
import time
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette


@contextlib.contextmanager
def served(app: Starlette, resting_s: int = 5) -> Iterator[str]:
    """The address at which `app` answers, on a port of its own, for as long as the test needs it.

    Args:
        resting_s: for how long a connection may rest before it is closed.
    """
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", timeout_keep_alive=resting_s)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server does not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
