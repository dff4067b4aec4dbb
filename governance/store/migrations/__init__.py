"""How a store of any age becomes one of today, by Alembic, from wherever this package is installed."""
