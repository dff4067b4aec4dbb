"""End users and tags on a real proxy: callers name them as they like, and touch nobody else's."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.conftest import key

POLICY: dict[str, Any] = {
    "version": 1,
    "rate_limits": [
        {"name": "each end user", "subject": {"end_user": "*"}, "requests": "1/hour"},
        {"name": "eve", "subject": {"end_user": "eve"}, "shared": True, "requests": "1/hour"},
        {"name": "batch", "subject": {"tag": "batch"}, "requests": "1/hour"},
    ],
}
TEAMS = {"a": "Team A", "b": "Team B"}


@pytest.fixture(scope="module")
def claiming(start) -> Iterator[Any]:
    with start(yaml.safe_dump(POLICY)) as running:
        yield running


def of_team(team: str, **fields: Any) -> str:
    return key(team_id=team, team_alias=TEAMS[team], **fields)


def subjects(claiming: Any, answer: httpx.Response) -> dict[str, str]:
    windows = claiming.decision(answer.headers["x-governance-decision-id"])["windows"]
    return {window["limit"]: window["subject"] for window in windows}


def test_each_team_has_end_users_of_its_own(claiming) -> None:
    first = claiming.chat("groq/m", key=of_team("a"), user="anna")
    again = claiming.chat("groq/m", key=of_team("a", key_alias="another key"), user="anna")
    other = claiming.chat("groq/m", key=of_team("b"), user="anna")

    assert [first.status_code, again.status_code, other.status_code] == [200, 429, 200]
    assert "each end user of team Team A (a) and end_user anna is used up" in again.text
    assert subjects(claiming, other) == {"each end user": "team:b && end_user:anna"}
    rows = claiming.client.get("/governance/api/usage", params={"subject": "end_user:anna"}).json()["windows"]
    assert {row["name_of_subject"] for row in rows} <= {"Team A && end_user:anna", "Team B && end_user:anna"}


def test_a_shared_limit_counts_an_end_user_of_all_teams_together(claiming) -> None:
    answers = [claiming.chat("groq/m", key=of_team(team), user="eve") for team in TEAMS]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert "limit eve of end_user eve is used up" in answers[1].text


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/v1/chat/completions", {"metadata": {"tags": ["batch"], "inherited_tags": ["batch"]}}, {}),
        ("/v1/chat/completions", {}, {"x-litellm-tags": "batch"}),
        ("/v1/messages", {"max_tokens": 9, "litellm_metadata": {"tags": ["batch"], "inherited_tags": ["batch"]}}, {}),
    ],
)
def test_a_tag_that_a_caller_says_is_its_own_teams(claiming, path: str, body: Any, headers: Any) -> None:
    asked = {"model": "groq/m", "messages": [{"role": "user", "content": "Hello"}], **body}
    credentials = {"authorization": f"Bearer {of_team('a')}"}
    answer = claiming.client.post(path, json=asked, headers={**headers, **credentials})

    if answer.status_code == 429:
        assert "limit batch of team Team A (a) and tag batch is used up" in answer.text
    else:
        assert answer.status_code == 200, answer.text
        assert subjects(claiming, answer) == {"batch": "team:a && tag:batch"}


def test_a_tag_of_a_key_counts_once_for_all_who_have_it(claiming) -> None:
    tagged = [of_team(team, metadata={"tags": ["batch"]}) for team in TEAMS]
    first, second = (claiming.chat("groq/m", key=each) for each in tagged)
    said_too = claiming.chat("groq/m", key=tagged[1], metadata={"tags": ["batch"]})

    assert first.status_code == 200, first.text
    assert subjects(claiming, first) == {"batch": "tag:batch"}
    assert [second.status_code, said_too.status_code] == [429, 429]
    assert "limit batch of tag batch is used up" in second.text
