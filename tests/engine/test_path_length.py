"""How long the way of a plain chat is, in functions and calls of ours: counts, for times say little on a busy machine.

A proxy meets each function with cold caches, so that the number of different ones matters most. Who makes the way
longer has to say here that it is worth it; `python -m tests.bench.path` lists them all.
"""

from tests.bench.path import counted

# Twelve of them record traffic: no policy could be tried on it without, and nobody would know who spent what.
# Two more, and some twenty calls, remember what each limit has left, for while Redis is away.
MOST_FUNCTIONS = 281
MOST_CALLS = 545


async def test_a_plain_chat_takes_no_more_functions_and_calls_than_it_did() -> None:
    calls = await counted()

    assert len(calls) <= MOST_FUNCTIONS
    assert sum(calls.values()) <= MOST_CALLS


async def test_a_hundred_rules_that_do_not_match_cost_no_calls() -> None:
    few, many = await counted(2), await counted(100)

    assert sum(many.values()) <= sum(few.values()) + 10
