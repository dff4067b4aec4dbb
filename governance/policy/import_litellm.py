"""Budgets and limits of LiteLLM's own file as sections of a policy, with a remark on whatever has no place there.

Source: LiteLLM 1.110: litellm_settings and router_settings of proxy/proxy_server.py, types/router.py (LiteLLM_Params),
litellm_core_utils/duration_parser.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d|w|mo)")
# LiteLLM resets these with the calendar (duration_parser.get_next_standardized_reset_time).
_CALENDAR: Final = {"1h": "hour", "1d": "day", "24h": "day", "7d": "week", "1w": "week", "30d": "month", "1mo": "month"}
_KINDS: Final = (
    ("max_internal_user_budget", "internal_user_budget_duration", "each user", {"user": "*"}),
    ("max_budget", "budget_duration", "everyone", "everyone"),
)
_DEFAULTS: Final = (
    ("default_internal_user_params", "each user by default", {"user": "*"}),
    ("default_team_params", "each team by default", {"team": "*"}),
)
_SUBJECTS: Final = (
    ("litellm_settings", "tag_budget_config", "tag"),
    ("router_settings", "provider_budget_config", "provider"),
)
_SECTIONS: Final = ("model_list", "litellm_settings", "router_settings", "general_settings")
_RATES: Final = (("rpm", "requests"), ("tpm", "tokens"))
_OF_KEYS: Final = "is about keys that LiteLLM makes; a limit of {virtual_key: '*'} is for all of them"
_NOWHERE: Final = {
    "max_end_user_budget": "has no period: LiteLLM counts for ever; write a budget of {end_user: '*'} with one",
    "upperbound_key_generate_params": _OF_KEYS,
    "default_key_generate_params": _OF_KEYS,
}


class Imported(NamedTuple):
    """Args:
    document: a policy as plain values.
    remarks: what is not in it, or not quite the same, each with its place in the file.
    """

    document: dict[str, Any]
    remarks: tuple[str, ...]


def import_litellm(config: Mapping[str, Any]) -> Imported:
    """The budgets and limits of a `litellm.yaml`; what LiteLLM's database has of keys, users and teams is not in it."""
    read = Reader()
    for section in ("litellm_settings", "router_settings"):
        settings = _mapping(config.get(section))
        for key, why in _NOWHERE.items():
            if settings.get(key):
                read.remarks.append(f"{section}.{key}: {why}")
    settings = _mapping(config.get("litellm_settings"))
    for key, period, name, subject in _KINDS:
        read.budget(f"litellm_settings.{key}", name, subject, settings.get(key), settings.get(period))
    for key, name, subject in _DEFAULTS:
        read.defaults(f"litellm_settings.{key}", name, subject, _mapping(settings.get(key)))
    for section, key, kind in _SUBJECTS:
        for name, given in _mapping(_mapping(config.get(section)).get(key)).items():
            budget = _mapping(given)
            amount = budget.get("budget_limit", budget.get("max_budget"))
            period = budget.get("time_period", budget.get("budget_duration"))
            read.budget(f"{section}.{key}.{name}", f"{kind} {name}", {kind: str(name)}, amount, period)
    general = _mapping(config.get("general_settings"))
    read.concurrent("general_settings.global_max_parallel_requests", general.get("global_max_parallel_requests"))
    read.deployments(config.get("model_list"))
    if config and not any(section in config for section in _SECTIONS):
        read.remarks.append(f"nothing was read: this is no plugin's configuration, and has no {', '.join(_SECTIONS)}")
    return Imported(read.document(), tuple(read.remarks))


class Reader:
    """Collects limits and budgets as a policy writes them, and remarks on what has no place there."""

    def __init__(self) -> None:
        self.budgets: list[dict[str, Any]] = []
        self.limits: list[dict[str, Any]] = []
        self.remarks: list[str] = []

    def document(self) -> dict[str, Any]:
        """What was collected, as a policy."""
        sections = {"rate_limits": self.limits, "budgets": self.budgets}
        return {"version": 1, **{name: listed for name, listed in sections.items() if listed}}

    def budget(self, where: str, name: str, subject: Any, amount: Any, period: Any) -> None:
        """One budget; None as the amount is none."""
        if amount is None:
            return
        money = _money(amount)
        if money is None:
            self.remarks.append(f"{where}: is no amount of money that a policy can hold; write it by hand")
        elif period is None:
            self.remarks.append(f"{where}: has no period: LiteLLM counts for ever; write a budget of so much per month")
        elif not isinstance(period, str) or not _DURATION.fullmatch(period):
            self.remarks.append(f"{where}: its period is none that a policy has; write it by hand")
        else:
            calendar = _CALENDAR.get(period)
            budget = {"name": name, "subject": subject, "amount": f"{money} USD/{calendar or _long(period)}"}
            self.budgets.append(budget if calendar else {**budget, "rolling": True})
            if calendar is None:
                self.remarks.append(f"{where}: LiteLLM begins anew every {period}; here any {period} count, stricter")

    def defaults(self, where: str, name: str, subject: Any, given: Mapping[str, Any]) -> None:
        """What a table of LiteLLM's says of a subject: `max_budget`, `rpm_limit` and the like."""
        self.budget(f"{where}.max_budget", name, subject, given.get("max_budget"), given.get("budget_duration"))
        self._rates(where, name, subject, given, "_limit")

    def concurrent(self, where: str, amount: Any) -> None:
        """How many requests may be in flight in all."""
        if _whole(amount):
            self.limits.append({"name": "everyone at once", "subject": "everyone", "concurrent": amount})
        elif amount is not None:
            self.remarks.append(f"{where}: is no whole number above 0; write it by hand")

    def deployments(self, models: Any) -> None:
        """Limits of deployments that are one target count together, as LiteLLM balances between them."""
        targets: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
        for i, entry in enumerate(models if isinstance(models, list) else ()):
            params = _mapping(_mapping(entry).get("litellm_params"))
            model, where = params.get("model"), f"model_list[{i}]"
            if not any(params.get(key) is not None for key in ("rpm", "tpm", "max_parallel_requests", "max_budget")):
                continue
            if isinstance(model, str) and "/" in model and "*" not in model and not model.startswith("os.environ/"):
                targets.setdefault(model, []).append((where, params))
            else:
                self.remarks.append(f"{where}: its limits are for no one target; write them on targets of a profile")
        for target, given in targets.items():
            self._target(target, given)

    def _target(self, target: str, given: list[tuple[str, Mapping[str, Any]]]) -> None:
        where, first = given[0]
        if len(given) == 1:
            self._rates(where, f"target {target}", {"target": target}, first, "")
            parallel = first.get("max_parallel_requests")
            if _whole(parallel):
                self._limit(f"target {target}", {"target": target})["concurrent"] = parallel
            self.budget(f"{where}.max_budget", f"target {target}", {"target": target}, *_budget_of(first))
            return
        places = ", ".join(place for place, _ in given)
        for key, unit in _RATES:
            amounts: list[Any] = [params.get(key) for _, params in given]
            if all(map(_whole, amounts)):
                self._limit(f"target {target}", {"target": target})[unit] = f"{sum(amounts)}/minute"
                self.remarks.append(f"{places}: {key}: added up, since all of them are {target}")
            elif any(amount is not None for amount in amounts):
                self.remarks.append(f"{places}: {key}: not all that are {target} have one, so together they have none")
        if any(params.get(key) is not None for _, params in given for key in ("max_parallel_requests", "max_budget")):
            self.remarks.append(f"{places}: several are {target}; write max_parallel_requests and max_budget by hand")

    def _rates(self, where: str, name: str, subject: Any, given: Mapping[str, Any], ending: str) -> None:
        for key, unit in _RATES:
            amount = given.get(f"{key}{ending}")
            if _whole(amount):
                self._limit(name, subject)[unit] = f"{amount}/minute"
            elif amount is not None:
                self.remarks.append(f"{where}.{key}{ending}: is no whole number above 0; write it by hand")

    def _limit(self, name: str, subject: Any) -> dict[str, Any]:
        found = next((limit for limit in self.limits if limit["name"] == name), None)
        if found is None:
            found = {"name": name, "subject": subject}
            self.limits.append(found)
        return found


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _budget_of(params: Mapping[str, Any]) -> Iterator[Any]:
    return iter((params.get("max_budget"), params.get("budget_duration")))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _money(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    exact = Decimal(str(value))
    micros = exact * 1_000_000 if exact.is_finite() else Decimal(0)
    return f"{exact:f}" if micros > 0 and micros == micros.to_integral_value() else None


def _long(period: str) -> str:
    return period.replace("mo", " month") if period.endswith("mo") else period
