"""Every test here runs on a real SQLite file and on a real PostgreSQL."""

from tests.databases import open_one, store, url

__all__ = ["open_one", "store", "url"]
