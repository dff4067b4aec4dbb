"""For all tests: a busy machine must not fail one, since slowness is no verdict; nor may what this machine knows."""

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import Postgres, running_postgres

# LiteLLM would ask the network for prices when it is imported, and for a while.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
settings.register_profile("governance", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("governance")


@pytest.fixture(scope="session", autouse=True)
def no_discovery_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What somebody has discovered here must not decide a test, nor a test what is known here."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GOVERNANCE_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server; without one, the test fails."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with running_postgres(port) as server:
        yield server
