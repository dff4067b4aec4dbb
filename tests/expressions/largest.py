"""The largest request a condition can be asked about, and the dearest conditions that are accepted.

The tests evaluate each; `python -m tests.bench.conditions` holds each against the clock.
"""

from __future__ import annotations

import random

from governance.model import Identity, Request

_dice = random.Random(1)
_AB = "".join(_dice.choice("ab") for _ in range(9_000))
_TEXTS = {
    "x": _AB,
    "y": "a" * 9_000,
    "z": "a" * 4_000 + "b",
    "u": "é" * 9_000,
    "n": "9" * 9_000,
    **{f"h{i:03d}" + "n" * 200: "a" * 8_191 + "b" for i in range(2_000)},
}
_METADATA = {f"k{i}": {f"j{j}": "v" * 2_000 for j in range(100)} for i in range(100)} | {"list": ["z" * 9_000] * 5_000}
LARGEST = Request(
    "openai/" + _AB,
    headers=_TEXTS,
    params=_TEXTS,
    tags=tuple("t" * 300 + str(i) for i in range(10_000)),
    identity=Identity(team_id=_AB, metadata=_METADATA),
)

ACCEPTED = [
    'model.matches("^gpt-4.*")',
    'model.matches("(a|b)*a(a|b){8}c")',
    'headers["x"].matches("(a|b)*a(a|b){8}c")',
    'headers["x"].matches("a[ab]{20}c")',
    'headers["u"].matches("[^a]*[^b]*c")',
    'headers["x"].matches("(?i)(curl|wget|python-requests)")',
    'tags.exists(t, t.matches("^eu-"))',
    'headers["y"].contains(headers["z"])',
    'headers.exists(k, headers[k] == "premium")',
    'headers.exists(k, headers[k].contains("ac"))',
    'params.exists(k, params[k] == headers["y"])',
    "headers == params",
    "tags + tags + tags == tags",
    'tags.exists(t, t.contains("tx"))',
    'headers["y"] + headers["y"] + headers["y"] == "x"',
    'size(headers["u"]) > 3',
    'double(headers["n"]) > 1.0',
    'string(bytes(headers["y"])) == "x"',
    "metadata == metadata",
    "metadata.exists(k, metadata[k] == 1)",
    'metadata.list.exists(x, x.contains("yy"))',
    '["a", "b", "c"].exists(p, tags.exists(t, t == p))',
    "[1, 2, 3, 4].all(a, [1, 2, 3, 4].all(b, a + b > 0))",
    'now.getHours("Europe/Berlin") > 30',
    " || ".join(f'model == "m{i}"' for i in range(400)),
    " || ".join(f'headers["h{i}"] == "m"' for i in range(200)),
    "model in [" + ", ".join(f'"m{i}"' for i in range(900)) + "]",
    "!" * 30 + '(model == "x")',
]
