"""The public door of policies, with the plugins fixed: what else is installed changes no message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from governance.engine.plugins import section_model
from governance.policy import Policy, load_policy, parse_policy

INSTALLED = ("routing_profiles",)
ENVIRONMENT = {
    "SECRET": "hunter2",
    "PASSWORD": "pa#ss@word",
    "RATE": "5/fortnight",
    "REDIS_URL": "redis://:hunter2@redis.internal:6379/0",
    "PROVIDER": "cerebras",
    "RPM": "60",
    "NAMED_GOVERNANCE": "governance",
}

Load = Callable[[Path], Policy]
Parse = Callable[[str], Policy]


@pytest.fixture
def load() -> Load:
    return lambda file: load_policy(file, INSTALLED, section_model, ENVIRONMENT)


@pytest.fixture
def parse() -> Parse:
    return lambda text: parse_policy(text, "policy.yaml", INSTALLED, section_model, ENVIRONMENT)
