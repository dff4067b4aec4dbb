"""For all tests: whether an example is slow to make or to run is no verdict; a busy machine must not fail it."""

from hypothesis import HealthCheck, settings

settings.register_profile("governance", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("governance")
