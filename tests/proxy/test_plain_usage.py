"""What is read at once is what all the rules would read."""

import itertools
from typing import Any

import pytest
from litellm.types.utils import Usage

from governance.model.quantities import Quantities
from governance.proxy.usage.charges import has_extras
from governance.proxy.usage.plain import plain_tokens
from governance.proxy.usage.tokens import tokens

TOTALS: Any = (0, 5, -1, None, "5", True, 8, 10**400)
BESIDE: tuple[dict[str, Any], ...] = (
    {},
    {"prompt_tokens_details": None, "completion_tokens_details": {"reasoning_tokens": 0}},
    {"prompt_tokens_details": {"cached_tokens": 3}},
    {"prompt_tokens_details": {"web_search_requests": 1}},
    {"completion_tokens_details": {"reasoning_tokens": 4}},
    {"cache_read_input_tokens": 2},
    {"server_tool_use": {"web_search_requests": 2}},
    {"promptTokenCount": 0},
    {"candidatesTokenCount": 7},
    {"cost": 0.5},
)


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("answers", [True, False])
def test_a_plain_usage_is_read_as_by_every_rule(beside: dict[str, Any], answers: bool) -> None:
    read = 0
    for inputs, outputs, total in itertools.product(TOTALS, repeat=3):
        usage = {"prompt_tokens": inputs, "completion_tokens": outputs, "total_tokens": total, **beside}
        # Whatever says more is read by every rule.
        more = {**usage, "unheard_of": 1}
        assert tokens(usage, answers=answers) == tokens(more, answers=answers)
        if plain_tokens(usage) is not None:
            read += 1
            assert not has_extras(None, more)

    assert (read > 0) == (beside in BESIDE[:2])


def test_a_usage_of_litellm_is_plain_where_its_details_say_nothing() -> None:
    said: Any = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}

    assert plain_tokens(Usage(**said)) == Quantities(5, 3)
    assert plain_tokens(Usage(**said, prompt_tokens_details={"cached_tokens": 0})) == Quantities(5, 3)
    assert plain_tokens(Usage(**said, prompt_tokens_details={"cached_tokens": 4})) is None
    assert plain_tokens(Usage(**said, cost=0.1)) is None
