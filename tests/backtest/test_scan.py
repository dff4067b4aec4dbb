"""Lines are told apart from one another whatever stands in them."""

import pytest

from governance.backtest import scan

PLAIN = (
    b'{"v":1,"id":"0193a5b2-1234-7abc-8def-0123456789ab","at":1764400000000000,"end":900000,'
    b'"who":{"team":"research","labels":{"a":"b"}},"req":{"type":"chat","model":"fast/x","tags":["a"]},'
    b'"est":{"in":20,"max_out":50},"did":{"rev":"r","out":"route","to":"openai/x","win":[{"limit":"each"}]},'
    b'"hops":[{"to":"openai/x","out":"ok","ms":800}],"use":{"in":20,"out":30,"usd":40},"by":"w","no":7}\n'
)


@pytest.mark.parametrize("pattern", [scan._QUICK, scan._STRICT], ids=["quick", "strict"])
@pytest.mark.parametrize(
    ("there", "instead"),
    [
        (b'"est":{', b'"est":{"images":1,'),
        (b'"who":{', b'"who":{"team":{'),
        (b'"win":[{"limit":"each"}]', b'"win":[{"limit":"each"}'),
    ],
    ids=["estimate", "caller", "windows"],
)
def test_a_line_of_another_form_is_looked_at_to_its_own_end_and_no_further(pattern, there, instead) -> None:
    other = PLAIN.replace(there, instead)

    found = list(pattern.finditer(other + PLAIN + other + other + PLAIN))

    assert [match[0] for match in found] == [other, PLAIN, other, other, PLAIN]
    assert found[1][19] is None, "a plain line is cut into columns"
