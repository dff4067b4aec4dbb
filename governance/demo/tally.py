"""The tally: how many requests each fake provider got and how each ended. Other counts are checked against it."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from governance.demo.wire import Usage

Ending = Literal["ok", "failed", "disconnected"]

REMEMBERED_REQUESTS = 200


@dataclass
class Count:
    """The numbers of one `provider/model`; received = ok + failed + disconnected + in_flight, at every moment.

    Tokens are the sums of the usage that clients were really told, whatever became of the answer afterwards.
    """

    received: int = 0
    ok: int = 0
    failed: int = 0
    disconnected: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    by_path: dict[str, int] = field(default_factory=dict)


class Visit:
    """One request under way. Whoever began it must end it, once."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._told = Usage(0, 0)

    def told(self, usage: Usage) -> None:
        """The client has been sent this usage; it replaces what this visit told before."""
        self._told = usage

    def end(self, ending: Ending) -> None:
        count = self._count
        count.in_flight -= 1
        count.input_tokens += self._told.input_tokens
        count.output_tokens += self._told.output_tokens
        if ending == "ok":
            count.ok += 1
        elif ending == "failed":
            count.failed += 1
        else:
            count.disconnected += 1


@dataclass(frozen=True)
class Seen:
    """What is remembered of a request: names, never values of headers or of the body."""

    path: str
    provider: str
    model: str
    stream: bool
    body_keys: list[str]
    header_names: list[str]


class Tally:
    """Counts by `provider/model`, and the last requests. For one event loop; nothing here waits, so nothing races."""

    def __init__(self) -> None:
        self._counts: dict[str, Count] = {}
        self._recent: deque[Seen] = deque(maxlen=REMEMBERED_REQUESTS)

    def begin(self, seen: Seen) -> Visit:
        """Count a request as received and in flight."""
        self._recent.append(seen)
        count = self._counts.setdefault(f"{seen.provider}/{seen.model}", Count())
        count.received += 1
        count.in_flight += 1
        count.max_in_flight = max(count.max_in_flight, count.in_flight)
        count.by_path[seen.path] = count.by_path.get(seen.path, 0) + 1
        return Visit(count)

    def reset(self) -> None:
        """Start from nothing; requests that are under way now are counted nowhere."""
        self._counts.clear()
        self._recent.clear()

    def counts(self) -> Mapping[str, object]:
        return {name: asdict(count) for name, count in self._counts.items()}

    def recent(self) -> list[object]:
        """The last requests, oldest first."""
        return [asdict(seen) for seen in self._recent]
