"""Long work rests beside the thread that serves, and only there."""

from concurrent.futures import ThreadPoolExecutor

from governance.model.turns import in_turns


def rests(items: int, each: int) -> tuple[list[int], int]:
    rested: list[None] = []
    return list(in_turns(range(items), each, lambda: rested.append(None))), len(rested)


def test_it_rests_after_each_so_many_and_gives_all_of_them() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(rests, 1_000, 64).result() == (list(range(1_000)), 1_000 // 64)


def test_where_nobody_waits_it_does_not_rest() -> None:
    assert rests(1_000, 64) == (list(range(1_000)), 0)
