"""Which target serves a conversation: a hint with an end, read with a reservation and written when it is settled."""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple

_FORGOTTEN_PER_CALL: Final = 2
_MOST: Final = 100_000


class Asked(NamedTuple):
    """The conversation of a request, and the target behind each option of its reservation.

    Args:
        key: a digest; never one that a caller can choose.
        targets: names, one for each option.
        ttl_s: how long a pin lasts.
    """

    key: str
    targets: tuple[str, ...]
    ttl_s: float = 300.0


class Pin(NamedTuple):
    """Who has answered a conversation last.

    Args:
        target: its name. deployment: the proxy's id of the deployment; "" = any.
        at_s: when it answered, Unix seconds by the ledger's clock.
        cached_tokens: of its prompt, as the provider told.
        task: what it was about; "" where nobody asks for that.
    """

    target: str
    deployment: str = ""
    at_s: float = 0.0
    cached_tokens: int = 0
    task: str = ""


class Pinning(NamedTuple):
    """A pin to write; `ttl_s`: seconds after which it is forgotten, unless it is written again."""

    key: str
    pin: Pin
    ttl_s: float


class Pins:
    """The pins of one process."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[Pin, int]] = {}

    def find(self, key: str, now_ms: int) -> Pin | None:
        """The pin of a conversation, while it lasts."""
        pin, until_ms = self._of.get(key, (None, 0))
        return pin if until_ms > now_ms else None

    def put(self, pinning: Pinning, now_ms: int) -> None:
        """Write one, as of now unless it says a time.

        A few of the oldest that are over are forgotten, and of too many the oldest.
        """
        self._of.pop(pinning.key, None)
        at_ms = round(pinning.pin.at_s * 1000) or now_ms
        self._of[pinning.key] = pinning.pin._replace(at_s=at_ms / 1000), at_ms + round(pinning.ttl_s * 1000)
        for oldest in list(islice(self._of, _FORGOTTEN_PER_CALL)):
            if self._of[oldest][1] <= now_ms or len(self._of) > _MOST:
                del self._of[oldest]


def written(pinning: Pinning, name: str) -> tuple[str, str, int]:
    """A pin as its key in Redis holds it: what stands before the time and after it, and how many ms it lasts.

    `NAME AT\\n LASTS\\n CACHED\\n DEPLOYMENT\\n TARGET`, without the blanks; with a task, CACHED is `1200 code`.

    Args:
        name: the hash of the target, 22 characters.
    """
    pin, lasts_ms = pinning.pin, max(1, round(pinning.ttl_s * 1000))
    deployment = "" if "\n" in pin.deployment else pin.deployment
    task = f" {pin.task}" if pin.task and pin.task.split() == [pin.task] else ""
    return name, f"\n{lasts_ms}\n{pin.cached_tokens}{task}\n{deployment}\n{pin.target}", lasts_ms


def read_back(value: bytes) -> Pin | None:
    """The pin that a key holds; None for what is none, such as one of another version."""
    try:
        at_ms, _, told, deployment, target = value[22:].decode().split("\n", 4)
        cached, _, task = told.partition(" ")
        return Pin(target, deployment, int(at_ms) / 1000, int(cached), task)
    except ValueError:
        return None
