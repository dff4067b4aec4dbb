"""For all tests: a busy machine must not fail one, since slowness is no verdict; nor may what this machine knows."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

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
