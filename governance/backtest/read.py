"""The lines that can be replayed, in the order of their arrival, and what there is to say of all the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from itertools import islice
from typing import cast

from governance.backtest.arrivals import why_not
from governance.backtest.coverage import Coverage, Reason
from governance.traffic import Broken, TraceLine
from governance.traffic.broken import DUPLICATE_ID, LINE_HOLDS

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
        self.lines = 0
        self._read = read
        self._reasons: dict[tuple[str, str], tuple[int, list[str]]] = {}
        self._remarks: Counter[str] = Counter()
        self._sampled = 0
        self._hash = sha256()

    def take(self, lines: Iterable[TraceLine | Broken]) -> list[TraceLine]:
        """Those that can be replayed, by arrival, then by id; of one decision, the line that holds."""
        taken = [line for line in lines if self.takes(line)]
        found = sorted(cast(list[TraceLine], taken), key=lambda line: (line.at_us, line.id))
        of_id: dict[str, TraceLine] = {}
        for line in found:
            known = of_id.setdefault(line.id, line)
            if line.late and not known.late:
                of_id[line.id] = line
        if len(of_id) < len(found):
            for line in found:
                if of_id[line.id] is not line:
                    self.twice(line.id)
            found = [line for line in found if of_id[line.id] is line]
        for line in found:
            self.hash(line.id, line.at_us)
        return found

    def takes(self, line: TraceLine | Broken) -> bool:
        """Whether this one can be replayed; what cannot is counted with its reason."""
        if isinstance(line, Broken):
            self._broken(line)
            return False
        self.lines += 1
        why = why_not(line, self._read)
        if why is not None:
            self._leave_out(*why, line.id)
            return False
        self._sampled += line.weight != 1
        return True

    def took(self, lines: int) -> None:
        """So many more lines can be replayed, each of which stands for itself."""
        self.lines += lines

    def why_not(self, line: TraceLine) -> tuple[str, str] | None:
        """Why this one cannot be replayed; None where it can."""
        return why_not(line, self._read)

    def leave_out_all(self, why: tuple[str, str], ids: Iterable[str], lines: int) -> None:
        """So many lines cannot be replayed for one reason. `ids`: of some of them, for examples."""
        self.lines += lines
        count, examples = self._reasons.get(why, (0, []))
        examples.extend(islice(ids, _MOST_EXAMPLES - len(examples)))
        self._reasons[why] = count + lines, examples

    def twice(self, id: str) -> None:
        """A decision that was read before."""
        self._leave_out(DUPLICATE_ID, "", id)

    def hash(self, id: str, at_us: int) -> None:
        """The next line that is replayed."""
        self.hash_all(f"{id} {at_us}\n".encode("utf-8", "surrogatepass"))

    def hash_all(self, text: bytes) -> None:
        """The same of several: `ID MICROSECONDS`, a line each."""
        self._hash.update(text)

    @property
    def traffic(self) -> str:
        """A hash of what was taken."""
        return f"sha256:{self._hash.hexdigest()}"

    def coverage(
        self, replayed: int, from_us: int | None, to_us: int | None, *, weight: float, retries: int, warm_up: int
    ) -> Coverage:
        """How much was taken, and why the rest was not. `from_us`, `to_us`: the first and the last arrival."""
        reasons = [Reason(code, detail, n, tuple(ids)) for (code, detail), (n, ids) in self._reasons.items()]
        remarks = [text.format(f"{self._remarks[fault]:,}") for fault, text in _REMARKS.items() if self._remarks[fault]]
        if self._sampled:
            remarks.append(
                f"{self._sampled:,} requests stand for more than themselves: windows that several subjects share count "
                "those that were recorded only"
            )
        return Coverage(
            self.lines,
            replayed,
            round(weight),
            retries,
            warm_up,
            None if from_us is None else from_us // 1000,
            None if to_us is None else to_us // 1000,
            tuple(sorted(reasons, key=lambda reason: (-reason.lines, reason.code, reason.detail))),
            tuple(remarks),
        )

    def _broken(self, broken: Broken) -> None:
        if broken.fault in LINE_HOLDS:
            self._remarks[broken.fault] += broken.lines
            return
        self.lines += broken.lines
        # Where it stands depends on how files are cut; which decision it is does not.
        example = (broken.fault == DUPLICATE_ID and broken.detail) or broken.where
        self._leave_out(broken.fault, "", example, broken.lines)

    def _leave_out(self, code: str, detail: str, example: str, lines: int = 1) -> None:
        count, examples = self._reasons.get((code, detail), (0, []))
        if len(examples) < _MOST_EXAMPLES:
            examples.append(example)
        self._reasons[code, detail] = count + lines, examples
