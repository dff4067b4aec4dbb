"""Policy tests: requests with what is expected of them, decided by the engine that decides live ones."""

from governance.testing.coverage import Coverage
from governance.testing.read import Suite, parse_suite, read_suite
from governance.testing.run import Result, TestsTakeTooLong, catalog_of, run

__all__ = ["Coverage", "Result", "Suite", "TestsTakeTooLong", "catalog_of", "parse_suite", "read_suite", "run"]
