"""The collector of a worker, which other processes of these tests must not feel: each test puts it back."""

import gc
from collections.abc import Iterator

import pytest

from governance.proxy.collector import calm


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    thresholds, frozen = gc.get_threshold(), gc.get_freeze_count()
    yield
    gc.set_threshold(*thresholds)
    if not frozen:
        gc.unfreeze()


def test_what_the_start_has_made_is_set_apart() -> None:
    before = gc.get_freeze_count()

    assert calm({})
    assert gc.get_freeze_count() > before
    assert gc.get_threshold()[0] == 10_000


def test_thresholds_that_an_operator_has_chosen_stay() -> None:
    before = gc.get_threshold()

    assert calm({"PYTHON_GC_THRESHOLD": "1000,50,100"})
    assert gc.get_threshold() == before


def test_an_operator_may_have_it_left_alone() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()

    assert not calm({"GOVERNANCE_COLLECTOR": "leave"})
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
