"""Where the requests of each team went: to which targets, with which labels. Read from recent decisions."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from governance.telemetry import recent
from governance.telemetry.recent import Query, Recent

_PAGE: Final = 500


async def residency(kept: Recent, team: str | None, since_s: float | None) -> dict[str, Any]:
    """Every attempt that was made, counted by team, target and labels, most first.

    An attempt that failed counts too: its prompt may have been sent. Nothing is known of requests
    that are still under way.

    Args:
        team: by id or name; None = all, "" among them being callers of none.
        since_s: Unix seconds; None = as far back as decisions are kept.

    Raises:
        LedgerUnavailable: the decisions cannot be read.
    """
    counted: Counter[tuple[str, str, str, tuple[tuple[str, str], ...]]] = Counter()
    refused: Counter[str] = Counter()
    decisions, cursor, oldest = 0, None, None
    while True:
        page = await recent.search(kept, Query(team=team, since_s=since_s), _PAGE, cursor)
        for record in page.decisions:
            decisions, oldest = decisions + 1, record["at"]
            who = record["identity"]["team_id"] or record["identity"]["team_name"]
            if (record["refusal"] or {}).get("code") == "label_mismatch":
                refused[who] += 1
            for attempt in record["attempts"]:
                if attempt["outcome"] != "skipped":
                    labels = tuple(sorted(attempt.get("labels", {}).items()))
                    counted[who, attempt["target"], attempt.get("served", ""), labels] += 1
        cursor = page.cursor
        if cursor is None:
            break
    went = [
        {"team": who, "target": target, "served": served or None, "labels": dict(labels), "requests": count}
        for (who, target, served, labels), count in sorted(counted.items(), key=lambda entry: (entry[0][0], -entry[1]))
    ]
    return {
        "decisions": decisions,
        "since": oldest,
        "went": went,
        "refused": [{"team": who, "requests": count} for who, count in sorted(refused.items())],
    }
