"""What is required of whoever serves a caller: by its team, its key and itself, before any plugin is asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from governance.model import Identity, Refusal, Request, Target, codes
from governance.model.labels import Require, both, read_header, required
from governance.policy.document import Core

HEADER: Final = "x-governance-require"
_LONGEST_HEADER: Final = 1_000


class Demands:
    """The requirements of the teams and keys of one policy."""

    def __init__(self, core: Core) -> None:
        self._keys: dict[str, Require] = {}
        for key in core.keys:
            demand = required(key.require, f"key {key.name}")
            self._keys |= {digest.sha256: demand for digest in key.sha256 if demand}
        self._teams = {team.name: required(team.require, f"team {team.name}") for team in core.teams}
        self._none = not self._keys and not self._teams

    @property
    def all(self) -> tuple[Require, ...]:
        """What each of them requires."""
        return (*self._teams.values(), *self._keys.values())

    def on(self, who: Identity) -> Require:
        """What a caller's team, by id and by name, and its key require."""
        if self._none:
            return ()
        teams = (self._teams.get(name, ()) for name in (who.team_id, who.team_name))
        return both(self._keys.get(who.virtual_key_id, ()), (each for team in teams for each in team))

    def of(self, request: Request) -> tuple[Request, Refusal | None]:
        """The request with what is required of whoever serves it; a header of the caller's only adds to that."""
        if self._none and HEADER not in request.headers:
            return request, None
        require = self.on(request.identity)
        told = request.headers.get(HEADER)
        if told is not None:
            try:
                if len(told) > _LONGEST_HEADER:
                    raise ValueError(f"is longer than {_LONGEST_HEADER} characters")
                require = both(require, required(read_header(told), f"header {HEADER}"))
            except ValueError as error:
                message = f"header {HEADER}: {error}; write {HEADER}: region=eu|ch; zdr=true"
                return request, Refusal(400, codes.FIELD_NOT_ALLOWED, message)
        return request.but(require=both(request.require, require)), None


def with_proposed(request: Request, proposed: Iterable[Target]) -> Request:
    """The request with what the targets' profile requires: also of the fallbacks that it does not name."""
    more = [each for target in proposed for each in target.require]
    return request.but(require=both(request.require, more)) if more else request
