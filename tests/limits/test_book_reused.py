"""A book of limits that has answered many requests says of each the same as one that is asked for the first time."""

from __future__ import annotations

import random
from typing import Any

from governance.catalog import Catalog
from governance.limits import LimitBook
from governance.model import Identity, Request, Target
from governance_plugins.rate_limits.config import RateLimitsConfig

REQUESTS = 600
SUBJECTS: list[Any] = [
    "everyone",
    {"virtual_key": "*"},
    {"team": "*"},
    {"user": "*"},
    {"customer": "*"},
    {"end_user": "*"},
    {"tag": "*"},
    {"tag": "t1"},
    {"team": "T1"},
    {"end_user": "e1"},
    {"team": "*", "end_user": "*"},
    {"virtual_key": "*", "tag": "*"},
    {"tag": "*", "end_user": "*"},
    {"metadata": "cc"},
    {"provider": "openai"},
    {"model": "*"},
    {"team": "*", "model": "*"},
    {"end_user": "*", "provider": "*"},
    {"target": "openai/a"},
    {"virtual_key": "k1", "model": "a"},
]


def catalog(*models: tuple[str, str]) -> Catalog:
    return Catalog([{"model_name": name, "litellm_params": {"model": model}} for name, model in models], {})


CATALOGS = [
    catalog(("a", "openai/a"), ("b", "azure/a")),
    catalog(("a", "azure/b"), ("b", "openai/c"), ("b", "azure/c")),
    None,
]


def limits() -> RateLimitsConfig:
    claims = {"end_user", "tag"}
    found = []
    for i, subject in enumerate(SUBJECTS):
        limit = {"name": f"l{i}", "requests": "5/minute", "subject": subject}
        found += [limit, {**limit, "name": f"l{i} matching", "match": "team_id == 'T1'"}]
        if claims & set(subject) and not {"team", "virtual_key"} & set(subject):
            found.append({**limit, "name": f"l{i} shared", "shared": True})
    return RateLimitsConfig.model_validate(found)


def asked(draw: random.Random) -> tuple[Request, Target]:
    def one(*of: Any) -> Any:
        return draw.choice(of)

    own = one((), ("t1",), ("t2",))
    who = Identity(
        virtual_key_id=one("", "k1", "k2"),
        virtual_key_name=one("", "n1", "T1"),
        user_id=one("", "u"),
        team_id=one("", "T1", "T2"),
        team_name=one("", "T1", "N"),
        customer_id=one("", "c"),
        customer_name=one("", "c", "cn"),
        end_user_id=one("", "e1", "e2"),
        metadata={"cc": one(None, "1", ["1", "2"], True, {"x": 1})},
        tags=own,
    )
    tags = tuple(dict.fromkeys((*own, *one((), ("t1",), ("t3", "t1")))))
    # One that was in force before, or a new one: the models of a proxy change under way.
    model, models = one("a", "b", "openai/a", "z/q"), one(*CATALOGS, catalog(("a", one("openai/c", "azure/a"))))
    return Request(model, identity=who, tags=tags, models=models), Target(one("a", "b", "openai/a", "azure/a"))


def said(book: LimitBook[Any], request: Request, target: Target) -> Any:
    of = book.round(request)
    return (
        [(limit.name, window) for limit, window in of.of_caller()],
        [(limit.name, window) for limit, window in of.of_target(target)],
        book.required(request),
    )


def test_what_a_book_has_kept_changes_no_answer() -> None:
    draw, given = random.Random(5), limits().root
    book, bound = LimitBook(given), 0
    for _ in range(REQUESTS):
        request, target = asked(draw)
        found = said(book, request, target)
        assert found == said(LimitBook(given), request, target), (request, target)
        bound += len(found[0]) + len(found[1])

    assert bound > 10 * REQUESTS, "the limits are about these requests"
