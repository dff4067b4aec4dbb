"""The ids that LiteLLM makes of providers' own are read as it means them."""

import pytest
from litellm.proxy.openai_files_endpoints.common_utils import encode_file_id_with_model
from litellm.responses.utils import ResponsesAPIRequestUtils

from governance.catalog import Catalog
from governance.intake.held import held_in
from governance.model import Request
from governance.model.held import Held
from governance.proxy.held import having

RESPONSE = ResponsesAPIRequestUtils._build_responses_api_response_id("openai", "of-one", "resp_0")
ITEM = ResponsesAPIRequestUtils._build_encrypted_item_id("of-one", "rs_0")
SEALED = ResponsesAPIRequestUtils._wrap_encrypted_content_with_model_id("secret", "of-one")
CONTAINER = ResponsesAPIRequestUtils._build_container_id("openai", "of-one", "cntr_0")
FILE = encode_file_id_with_model("file-0", "gpt-4o")
REASONING, CONTAINED = Held("encrypted reasoning", "of-one"), Held("container", "of-one")


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("responses", {"previous_response_id": RESPONSE}, Held("previous_response_id", "of-one")),
        ("responses", {"input": ["text", {"id": ITEM}]}, REASONING),
        ("responses", {"input": [{"encrypted_content": SEALED}]}, REASONING),
        ("responses", {"tools": [{"type": "code_interpreter", "container": CONTAINER}]}, CONTAINED),
        ("responses", {"input": [{"content": [{"file_id": FILE}]}]}, Held("file", name="gpt-4o")),
        ("chat", {"messages": [{"content": [{"file": {"file_id": FILE}}]}]}, Held("file", name="gpt-4o")),
        (
            "messages",
            {"messages": [{"content": [{"signature": f"litellm_encrypted_reasoning:{SEALED}"}]}]},
            REASONING,
        ),
    ],
)
def test_what_litellm_marks_is_found(kind: str, body: dict, expected: Held) -> None:
    assert held_in(body, kind) == (expected,)


@pytest.mark.parametrize(
    "value", ["resp_0", "resp_", "resp_====", "resp_" + "é", "resp_AAAA", 7, None, [], {}, "resp_" + "A" * 10_000]
)
def test_an_id_of_the_provider_itself_tells_nothing(value: object) -> None:
    block = {"type": value, "signature": value, "data": value, "file": value, "source": value, "file_id": value}
    body = {
        "previous_response_id": value,
        "input": value,
        "tools": [value],
        "messages": [{"content": value}, {"content": [block, value]}, value],
        "container": value,
    }
    assert [held_in(body, kind) for kind in ("responses", "chat", "messages", "embedding")] == [()] * 4


def entry(name: str, key: str, model: str = "openai/gpt-5") -> dict:
    params = {"model": model, "api_key": key}
    return {"model_name": name, "litellm_params": params, "model_info": {"id": f"of-{name}"}}


def test_who_asks_as_the_same_customer_has_it_too() -> None:
    catalog = Catalog([entry("one", "a"), entry("mini", "a", "openai/gpt-5-mini"), entry("two", "b")], {})

    held = Held("previous_response_id", "of-one")
    assert [catalog.holds(f"group:{name}", held) for name in ("one", "mini", "two")] == [True, True, False]
    assert not catalog.holds("group:one", Held("previous_response_id", "of-gone"))


def test_who_made_it_goes_before_its_neighbours() -> None:
    entries = [entry("one", "a"), entry("mini", "a", "openai/gpt-5-mini"), entry("two", "b")]
    request = Request("x", held=(Held("previous_response_id", "of-one"),))

    assert having(request, entries, "x", Catalog(entries, {})) == entries[:1]
    assert having(request, entries[1:], "x", Catalog(entries, {})) == entries[1:2]
    with pytest.raises(Exception, match="begin anew") as refused:
        having(request, entries[2:], "x", Catalog(entries, {}))
    assert refused.value.status_code == 409
