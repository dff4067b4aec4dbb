"""Columns keep their numbers, however they come and however large they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from governance.backtest.narrow import Narrow

NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-200, 200), st.integers(-40_000, 40_000))


@given(st.lists(st.one_of(NUMBERS, st.lists(NUMBERS, max_size=4)), max_size=12))
def test_what_is_taken_is_what_was_put_in(given: list[int | list[int]]) -> None:
    column, put = Narrow(), list[int]()
    for each in given:
        if isinstance(each, int):
            column.append(each)
            put.append(each)
        else:
            column.extend(np.array(each, dtype=np.int64))
            put += each

    assert column.take().tolist() == put
    assert column.take().tolist() == []


def test_small_numbers_take_few_bytes() -> None:
    column = Narrow()
    for number in range(-100, 100):
        column.append(number)
    column.extend(np.arange(300, dtype=np.int64))

    assert column.take().itemsize == 2
