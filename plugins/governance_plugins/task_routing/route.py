"""From what a request asks for to a profile and a task, with the word of whoever said so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from governance.model import Refusal, Request, codes
from governance.model.classification import Classifier
from governance.model.talk import NO_TALK, Talk
from governance_plugins.task_routing import synonyms
from governance_plugins.task_routing.config import AUTO, TaskRoutingConfig
from governance_plugins.task_routing.turns import Turns

PROFILE_HEADER: Final = "x-governance-profile"
TASK_HEADER: Final = "x-governance-task"
PROFILE_METADATA: Final = "governance_profile"
_LONGEST_SHOWN: Final = 40
How = Literal["told", "said", "guessed"]


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes, and who said so, for the record; `overlay`: id of the entry that says the profile.

    `task_by`: what decided the task; `how`: the caller's word, a turn that is enough by itself, or a guess.
    """

    profile: str
    task: str
    remarks: tuple[str, ...]
    overlay: str | None = None
    task_by: str = ""
    how: How = "told"


class Router:
    """Reads names and hints by one policy."""

    def __init__(self, config: TaskRoutingConfig, classify: Classifier) -> None:
        self._config = config
        self._turns = Turns(classify, config.classifier)

    def route(self, request: Request) -> Route | Refusal | None:
        """The profile and the task of a request; None when its model is none of ours.

        Profile: name, verified metadata, header, the active one. Task: name, header, what the caller or an earlier
        plugin says, the classifier. An unknown word is refused and never replaced by a default.
        """
        prefix, _, suffix = request.model.partition("/")
        name = prefix.strip().lower()
        if name != AUTO and name not in self._config.chains:
            return None
        profile = self._profile(name, request)
        if isinstance(profile, Refusal):
            return profile
        task = self._task(suffix, request)
        if isinstance(task, Refusal):
            return task
        remarks = (f"profile {profile.word} by {profile.by}", f"task {task.word} by {task.by}")
        return Route(profile.word, task.word, remarks, profile.overlay, task.by, task.how)

    def _profile(self, name: str, request: Request) -> _Said | Refusal:
        if name != AUTO:
            return _Said(name, "the model's name")
        # What was said of the key is no hint but a setting: whoever may leave it can ask for the profile by name.
        for said, by in (
            (request.identity.metadata.get(PROFILE_METADATA), f"{PROFILE_METADATA} of the key or team"),
            (self._header(PROFILE_HEADER, request), f"header {PROFILE_HEADER}"),
        ):
            word = _meant(said)
            if word:
                profiles = tuple(self._config.chains)
                return _known("profile", _Said(synonyms.meant(word, synonyms.PROFILES, profiles), by), profiles)
        overlay = self._config.overlay
        by = "active_profile" if overlay is None else f"overlay {overlay}"
        return _Said(self._config.active_profile, by, overlay)

    def _task(self, suffix: str, request: Request) -> _Said | Refusal:
        for said, by in (
            (suffix, "the model's name"),
            (self._header(TASK_HEADER, request), f"header {TASK_HEADER}"),
            (request.task, "the request"),
        ):
            word = _meant(said)
            if word:
                tasks = self._config.tasks
                return _known("task", _Said(synonyms.meant(word, synonyms.TASKS, tasks), by), tasks)
        found = self._turns.decide(talk_of(request))
        # Another's classifier may speak of tasks that no profile knows.
        return _Said(
            found.task if found.task in self._config.tasks else "general",
            found.by,
            how="said" if found.sure else "guessed",
        )

    def _header(self, name: str, request: Request) -> str | None:
        return request.headers.get(name) if self._config.allow_header else None


class _Said(NamedTuple):
    """A word, and whose it is; `overlay`: id of the entry beside the policy that says so; `how`: see `Route`."""

    word: str
    by: str
    overlay: str | None = None
    how: How = "told"


def talk_of(request: Request) -> Talk:
    """What the user has said, as far as the request knows."""
    return NO_TALK if request.conversation is None else request.conversation.talk()


def _meant(said: object) -> str:
    word = "" if said is None else str(said).strip().lower()
    return "" if word == AUTO else word


def _known(kind: str, said: _Said, known: tuple[str, ...]) -> _Said | Refusal:
    if said.word in known:
        return said
    shown = said.word if len(said.word) <= _LONGEST_SHOWN else f"{said.word[:_LONGEST_SHOWN]}…"
    message = (
        f"`{shown}` ({said.by}) is no {kind}{synonyms.nearest(said.word, known)}; there are {', '.join([*known, AUTO])}"
    )
    return Refusal(400, codes.NO_ELIGIBLE_TARGET, message)
