"""What is read of LiteLLM's request."""

from typing import Any

from governance.catalog import Catalog
from governance.model import NOBODY
from governance.proxy.translate import request_from


def tags(**marks: Any) -> tuple[str, ...]:
    data = {"model": "m", "metadata": marks}
    request = request_from(data, "acompletion", NOBODY, Catalog(None, {}))
    assert request is not None
    return request.tags


def test_tags_of_the_key_come_before_what_the_caller_wrote() -> None:
    written = [f"junk {i}" for i in range(300)]

    found = tags(tags=[*written, "batch"], inherited_tags=["batch"])

    assert found[0] == "batch"
    assert found.count("batch") == 1


def test_what_is_no_tag_is_left_out() -> None:
    assert tags(tags=["a", {"b": 1}, ["c"], None, "a"]) == ("a",)
    assert tags(tags="batch") == ()
