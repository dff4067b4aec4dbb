"""What is read of LiteLLM's request."""

from typing import Any

from litellm.proxy._types import UserAPIKeyAuth

from governance.catalog import Catalog
from governance.model import NOBODY, Identity
from governance.proxy.translate import identity_of, request_from


def tags(who: Identity = NOBODY, **marks: Any) -> tuple[str, ...]:
    data = {"model": "m", "metadata": marks}
    request = request_from(data, "acompletion", who, Catalog(None, {}))
    assert request is not None
    return request.tags


def test_tags_of_the_key_come_before_what_the_caller_wrote() -> None:
    written = [f"junk {i}" for i in range(300)]

    found = tags(Identity(tags=("batch",)), tags=[*written, "batch"])

    assert found[0] == "batch"
    assert found.count("batch") == 1


def test_verified_are_the_tags_of_key_team_and_project_and_none_that_a_request_says() -> None:
    auth = UserAPIKeyAuth(
        api_key="sk-1",
        metadata={"tags": ["key"]},
        team_metadata={"tags": ["team", "key"]},
        project_metadata={"tags": ["project"]},
    )
    who = identity_of(auth)

    assert who.tags == ("key", "team", "project")
    assert tags(who, tags=["said"], inherited_tags=["claimed"]) == ("key", "team", "project", "said")
    assert identity_of(UserAPIKeyAuth(metadata={"tags": "batch"}, team_metadata={})).tags == ()


def test_what_is_no_tag_is_left_out() -> None:
    assert tags(tags=["a", {"b": 1}, ["c"], None, "a"]) == ("a",)
    assert tags(tags="batch") == ()
