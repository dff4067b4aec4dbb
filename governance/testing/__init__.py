"""Policy tests: requests with what is expected of them, decided by the engine that decides live ones."""

from governance.testing.coverage import Coverage
from governance.testing.read import Suite, read_suite
from governance.testing.run import Result, catalog_of, run

__all__ = ["Coverage", "Result", "Suite", "catalog_of", "read_suite", "run"]
