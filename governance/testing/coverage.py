"""Which rules, targets and limits of a policy its tests have touched, as far as their records tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from governance.engine.host import Host

# A key of the record that names an entry of the section whose name it is part of: `rule` of `routing_rules`.
_NOTES: Final = ("rule", "profile")
# Where limits stand that have no entry of their own: beside the targets of a profile.
_OF_TARGETS: Final = "limits of targets"


class Entry(NamedTuple):
    """A named thing in a section of the policy, such as a rule. `targets`: those it may send requests to."""

    section: str
    name: str
    targets: tuple[tuple[str | None, str | None], ...] = ()


class Place(NamedTuple):
    """Something that tests should touch. `target` is empty for the entry itself."""

    section: str
    name: str
    target: str = ""

    def __str__(self) -> str:
        return f"{self.section}: {self.name}" + (f" → {self.target}" if self.target else "")


@dataclass(frozen=True)
class Coverage:
    """What tests have touched.

    Args:
        places: everything there is to touch.
        untouched: those that no test has touched, each with a remark such as `only ever rejected`.
        one_sided: those that tests have seen one side of only: a rule that always matched, a limit that was never full.
    """

    places: tuple[Place, ...]
    untouched: Mapping[Place, str]
    one_sided: Mapping[Place, str]

    @property
    def percent(self) -> float:
        """Touched places; 100 where there is nothing to touch."""
        return 100.0 * (1 - len(self.untouched) / len(self.places)) if self.places else 100.0

    @classmethod
    def of(cls, host: Host, records: Iterable[dict[str, Any]]) -> Coverage:
        """What these records tell of the entries of a policy."""
        own_names = {name for name, plugin in host.plugins.items() if hasattr(plugin, "coverable")}
        tally = _Tally(entries(host), own_names)
        for record in records:
            tally.take(record)
        return cls(tuple(tally.places()), dict(tally.untouched()), dict(tally.one_sided()))


def entries(host: Host) -> Iterator[Entry]:
    """The enabled entries of a policy: those of its lists, or those that a plugin itself names by `coverable()`."""
    for section in host.policy.order:
        named = getattr(host.plugins.get(section), "coverable", None)
        if named is not None:
            yield from (Entry(section, str(name)) for name in named())
            continue
        listed = getattr(host.policy.sections[section], "root", ())
        for item in listed if isinstance(listed, (list, tuple)) else ():
            name = getattr(item, "name", None)
            if isinstance(name, str) and getattr(item, "enabled", True):
                yield Entry(section, name, tuple(_targets(item)))


def _targets(item: Any) -> Iterator[tuple[str | None, str | None]]:
    for target in getattr(item, "targets", None) or ():
        if getattr(target, "enabled", True) and hasattr(target, "provider"):
            yield target.provider, getattr(target, "model", None)


class _Tally:
    def __init__(self, found: Iterable[Entry], own_names: Set[str]) -> None:
        self._entries = tuple(found)
        self._own_names = own_names
        names: dict[str, list[str]] = {}
        for entry in self._entries:
            names.setdefault(entry.section, []).append(entry.name)
        # Longest first, so that no name is found inside of another one.
        self._said = {
            section: re.compile("|".join(re.escape(name) for name in sorted(given, key=len, reverse=True)))
            for section, given in names.items()
        }
        self._touched: set[Place] = set()
        self._rejected: set[Place] = set()
        self._missed: set[Place] = set()
        self._counted: set[Place] = set()
        self._full: set[Place] = set()
        self._records = 0
        self._names_of_all = {entry.name for entry in self._entries}

    def take(self, record: dict[str, Any]) -> None:
        self._records += 1
        serving = {record["model"], *record["fallbacks"]} if record["outcome"] != "refuse" else set()
        rejected = {c["target"] for c in record["candidates"]} - serving
        counted = {window["limit"] for window in record["windows"]}
        full = {window["limit"] for window in record["windows"] if not window["fits"]} | {record.get("degraded_by")}
        if record["refusal"]:
            full.add(record["refusal"]["limit"])
        self._counted.update(Place(_OF_TARGETS, str(name)) for name in counted - self._names_of_all)
        self._full.update(Place(_OF_TARGETS, str(name)) for name in full - self._names_of_all)
        said = {section: self._names(section, record) for section in self._said}
        for entry in self._entries:
            place = Place(entry.section, entry.name)
            if entry.name in counted or entry.name in full:
                self._counted.add(place)
            if entry.name in full:
                self._full.add(place)
            if entry.name not in said[entry.section] | counted | full:
                self._missed.add(place)
                continue
            self._touched.add(place)
            would = _would(entry, record)
            reached = serving if would is None else would
            for target in entry.targets:
                at = Place(*place[:2], _shown(target))
                if any(_is(target, name) for name in reached):
                    self._touched.add(at)
                elif any(_is(target, name) for name in rejected):
                    self._rejected.add(at)

    def _names(self, section: str, record: dict[str, Any]) -> set[str]:
        """The entries of a section that had a say."""
        said = {record.get(note) for note in _NOTES if note in section}
        if section in self._own_names:
            said |= {record["rule"], record["profile"], f"{record['profile']}/{record['request']['task']}"}
        said |= {shadow.get("name") for shadow in record["shadow"] if shadow["plugin"] == section}
        for step in record["steps"]:
            if step["plugin"] == section:
                said.update(self._said[section].findall(step["did"]))
        return {name for name in said if isinstance(name, str)}

    def places(self) -> Iterator[Place]:
        seen: set[Place] = set()
        for entry in self._entries:
            for target in ("", *map(_shown, entry.targets)):
                place = Place(entry.section, entry.name, target)
                if place not in seen:
                    seen.add(place)
                    yield place

    def untouched(self) -> Iterator[tuple[Place, str]]:
        for place in self.places():
            if place not in self._touched:
                yield place, "only ever rejected" if place in self._rejected else "no test touches it"

    def one_sided(self) -> Iterator[tuple[Place, str]]:
        for place in sorted(place for place in self._counted - self._full if place.section == _OF_TARGETS):
            yield place, "never full"
        for place in self.places():
            if place in self._counted and place not in self._full:
                yield place, "never full"
            elif self._records > 1 and place in self._touched - self._missed and not place.target:
                yield place, "matches in every test"


def _would(entry: Entry, record: dict[str, Any]) -> set[str] | None:
    """The targets to which an entry in shadow mode would have sent the request; None where it is not in that mode."""
    for shadow in record["shadow"]:
        if shadow["plugin"] == entry.section and shadow.get("name") == entry.name:
            would = shadow.get("would") or {}
            return {name for name in (would.get("model"), *would.get("fallbacks", ())) if name}
    return None


def _is(target: tuple[str | None, str | None], name: str) -> bool:
    """Whether a candidate of this name is the target; what a target leaves out is the caller's."""
    provider, model = target
    if provider is None:
        return model is None or name == model or name.endswith(f"/{model}")
    return name == f"{provider}/{model}" if model else name.startswith(f"{provider}/")


def _shown(target: tuple[str | None, str | None]) -> str:
    provider, model = target
    return f"{provider or '*'}/{model or '*'}"
