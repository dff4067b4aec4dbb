"""The section `teams`: what is required for teams of LiteLLM, by the ids or names that it knows them by."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from governance.model.labels import GivenRequire


class Team(BaseModel):
    """One team.

    Args:
        name: LiteLLM's id or alias of it, letter by letter.
        require: what the labels of everybody have to be that serves it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=200)
    description: str = ""
    require: GivenRequire = {}


def twice(teams: tuple[Team, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Teams that stand there more than once, each with where it stands and what is wrong."""
    names: dict[str, int] = {}
    for i, team in enumerate(teams):
        first = names.setdefault(team.name, i)
        if first != i:
            yield (i, "name"), f"`{team.name}` is taken by teams[{first}]; write what is required of it there"
