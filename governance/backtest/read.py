"""The lines that can be replayed, in the order of their arrival, and what there is to say of all the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

from governance.backtest.arrivals import why_not
from governance.backtest.coverage import Coverage, Reason
from governance.traffic import Broken, TraceLine
from governance.traffic.broken import LINE_HOLDS

_MOST_EXAMPLES = 5
_REMARKS = {
    "missing_end": "of {} requests nobody knows how they ended: their reservations end by their deadline",
    "out_of_order": "{} lines were out of order, and are put in the order of their arrival",
    "lost_lines": "{} lines are missing: their worker could not keep up, or its disk was full",
}


class Reader:
    """Takes lines one after the other.

    Args:
        read: the facts that conditions of either policy may look at.
    """

    def __init__(self, read: frozenset[str]) -> None:
        self._read = read
        self._reasons: dict[tuple[str, str], tuple[int, list[str]]] = {}
        self._remarks: Counter[str] = Counter()
        self._ids: set[str] = set()
        self._lines = 0
        self._sampled = 0
        self._hash = sha256()

    def take(self, lines: Iterable[TraceLine | Broken]) -> list[TraceLine]:
        """Those that can be replayed, by arrival, then by id."""
        taken = []
        for line in lines:
            if isinstance(line, Broken):
                self._broken(line)
                continue
            self._lines += 1
            why = ("duplicate_id", "") if line.id in self._ids else why_not(line, self._read)
            if why is not None:
                self._leave_out(*why, line.id)
                continue
            self._ids.add(line.id)
            self._sampled += line.weight != 1
            taken.append(line)
        taken.sort(key=lambda line: (line.at_us, line.id))
        for line in taken:
            self._hash.update(f"{line.id} {line.at_us}\n".encode())
        return taken

    @property
    def traffic(self) -> str:
        """A hash of what was taken."""
        return f"sha256:{self._hash.hexdigest()}"

    def coverage(self, taken: list[TraceLine], *, weight: float, retries: int, warm_up: int) -> Coverage:
        """How much was taken, and why the rest was not."""
        reasons = [Reason(code, detail, n, tuple(ids)) for (code, detail), (n, ids) in self._reasons.items()]
        remarks = [text.format(f"{self._remarks[fault]:,}") for fault, text in _REMARKS.items() if self._remarks[fault]]
        if self._sampled:
            remarks.append(
                f"{self._sampled:,} requests stand for more than themselves: windows that several subjects share count "
                "those that were recorded only"
            )
        return Coverage(
            self._lines,
            len(taken),
            round(weight),
            retries,
            warm_up,
            taken[0].at_us // 1000 if taken else None,
            taken[-1].at_us // 1000 if taken else None,
            tuple(sorted(reasons, key=lambda reason: (-reason.lines, reason.code, reason.detail))),
            tuple(remarks),
        )

    def _broken(self, broken: Broken) -> None:
        if broken.fault in LINE_HOLDS:
            self._remarks[broken.fault] += broken.lines
            return
        self._lines += broken.lines
        self._leave_out(broken.fault, "", broken.where, broken.lines)

    def _leave_out(self, code: str, detail: str, example: str, lines: int = 1) -> None:
        count, examples = self._reasons.get((code, detail), (0, []))
        if len(examples) < _MOST_EXAMPLES:
            examples.append(example)
        self._reasons[code, detail] = count + lines, examples
