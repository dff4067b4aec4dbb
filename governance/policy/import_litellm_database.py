"""Keys, teams, users and customers of LiteLLM's database as a policy to begin with.

LiteLLM keeps of a key what a policy keeps too: the SHA-256 of its secret. So the same keys go on to work.

Source: LiteLLM 1.110: proxy/schema.prisma; hash_token of proxy/_types.py; SpecialModelNames.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Final, NamedTuple

from governance.policy.import_litellm import Imported, Reader

Row = Mapping[str, Any]

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_EVERY_MODEL: Final = "all-proxy-models"
_AS_TEAM: Final = "all-team-models"
_NO_MODEL: Final = "no-default-models"
# LiteLLM makes keys of this team for whoever logs in to its own pages.
_OF_PAGES: Final = "litellm-dashboard"
_BY_MODEL: Final = ("model_max_budget", "model_rpm_limit", "model_tpm_limit")
_UNREAD: Final = ("guardrails", "tpd_limit", "soft_budget")


class Tables(NamedTuple):
    """Rows of LiteLLM's tables."""

    keys: Sequence[Row] = ()
    teams: Sequence[Row] = ()
    users: Sequence[Row] = ()
    customers: Sequence[Row] = ()
    members: Sequence[Row] = ()
    organizations: Sequence[Row] = ()
    budgets: Sequence[Row] = ()


def import_litellm_database(tables: Tables) -> Imported:
    """Keys with whom they stand for, and the limits and budgets of all, the spent part of budgets left out."""
    reader = Reader()
    budgets = {row["budget_id"]: row for row in tables.budgets}
    teams = {row["team_id"]: row for row in tables.teams}
    for row in tables.teams:
        name = _called(row.get("team_alias"), row["team_id"])
        _limits(reader, f"team {name}", {"team": row["team_id"]}, row)
    for row in tables.users:
        _limits(reader, f"user {_called(row.get('user_alias'), row['user_id'])}", {"user": row["user_id"]}, row)
    for kind, subject, rows in (
        ("customer", "end_user", tables.customers),
        ("organization", "customer", tables.organizations),
    ):
        for row in rows:
            budget, identity = budgets.get(str(row.get("budget_id"))), row.get("user_id") or row.get("organization_id")
            if budget is not None:
                _limits(reader, f"{kind} {identity}", {subject: identity}, budget)
    for row in tables.members:
        budget = budgets.get(str(row.get("budget_id")))
        if budget is not None:
            of_both = {"team": row["team_id"], "user": row["user_id"]}
            _limits(reader, f"user {row['user_id']} in team {row['team_id']}", of_both, budget)
    keys = _keys(reader, tables.keys, teams, budgets)
    document = reader.document()
    return Imported({**document, **({"keys": keys} if keys else {})}, tuple(reader.remarks))


def _keys(
    reader: Reader, rows: Iterable[Row], teams: Mapping[str, Row], budgets: Mapping[str, Row]
) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        digest = str(row.get("token", ""))
        if row.get("team_id") == _OF_PAGES:
            continue
        if not _DIGEST.fullmatch(digest):
            reader.remarks.append("a key is not kept by the SHA-256 of its secret; left out")
            continue
        name = _unused(_called(row.get("key_alias"), digest[:12]), found)
        team = teams.get(str(row.get("team_id")), {})
        budget = budgets.get(str(row.get("budget_id")), {})
        entry = {
            "name": name,
            "sha256": digest,
            "team": row.get("team_id"),
            "team_name": team.get("team_alias"),
            "user": row.get("user_id"),
            "customer": row.get("organization_id"),
            "models": _models(reader, name, row, team),
            "expires": _moment(row.get("expires")),
        }
        closed = row.get("blocked") or team.get("blocked") or entry["models"] == []
        kept = {key: value for key, value in entry.items() if value}
        found[name] = {**kept, **({"enabled": False} if closed else {})}
        _limits(reader, f"key {name}", {"virtual_key": digest}, {**budget, **_said(row)})
    return list(found.values())


def _models(reader: Reader, name: str, row: Row, team: Row) -> list[str] | None:
    """Which models a key may ask for; None is every one, an empty list none."""
    listed = list(row.get("models") or ())
    if not listed or _AS_TEAM in listed:
        listed = list(team.get("models") or ())
    if not listed or _EVERY_MODEL in listed:
        return None
    if _NO_MODEL in listed:
        reader.remarks.append(f"key {name}: may use no model in LiteLLM ({_NO_MODEL}), so it is switched off")
        return []
    return listed


def _limits(reader: Reader, name: str, subject: Mapping[str, Any], row: Row) -> None:
    """Budget and limits of one row. What LiteLLM leaves empty is null, and what it counts for ever says no period."""
    reader.defaults(name, name, subject, row)
    parallel = row.get("max_parallel_requests")
    if isinstance(parallel, int) and parallel > 0:
        reader.limits.append({"name": f"{name} at once", "subject": subject, "concurrent": parallel})
    given = row.get("metadata")
    metadata = given if isinstance(given, dict) else {}
    for key in _BY_MODEL:
        if row.get(key) or metadata.get(key):
            reader.remarks.append(f"{name}: {key}: write a limit with this subject and `model` for each of its models")
    for key in _UNREAD:
        if row.get(key) or metadata.get(key):
            reader.remarks.append(f"{name}: {key}: has no place in a policy")


def _said(row: Row) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None}


def _called(alias: Any, identity: str) -> str:
    return str(alias).strip()[:150] if alias and str(alias).strip() else identity


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    if name not in taken:
        return name
    return next(f"{name} {number}" for number in range(2, len(taken) + 3) if f"{name} {number}" not in taken)


def _moment(value: Any) -> str | None:
    if not isinstance(value, datetime):
        return None
    moment = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
