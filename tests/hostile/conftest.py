"""One proxy for all attacks: what one leaves behind must not matter to the next."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import SURROUNDINGS
from tests.e2e.forked import original
from tests.hostile.gateway import Gateway, running
from tests.patience import tries


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("hostile")
    with original(folder / "imported.txt", SURROUNDINGS) as imported, running(imported, folder) as started:
        # 1,001 tokens at the prices that the policy assumes: more than the budget has.
        assert started.chat("spent", "two/first").status_code == 200
        for _ in tries():
            if started.counted("spent").get("usd_micros", 0) >= 1_000:
                break
        assert started.chat("spent", "two/first").status_code == 402
        started.taken()
        yield started
