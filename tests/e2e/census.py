"""A callback beside ours in the test proxy: counts what is still there of the requests, with the collector off."""

import gc
from collections import Counter

from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy import proxy_server

COUNTED = ("Live", "Decision")

gc.disable()


@proxy_server.app.get("/census")
async def census() -> dict[str, int]:
    """How many of each are alive, whether anything leads to them or not."""
    gc.unfreeze()  # what is set apart is not told
    kinds = (type(each) for each in gc.get_objects())
    # LiteLLM has a class Decision, too.
    found = Counter(kind.__name__ for kind in kinds if str(kind.__module__).startswith("governance."))
    return {name: found[name] for name in COUNTED}


@proxy_server.app.post("/census/soon")
async def soon() -> None:
    """Of what ended without an answer no success is told from here on."""
    gateway = proxy_server.app.state.governance
    gateway.live.late_s = 0.0


counting = CustomLogger()
