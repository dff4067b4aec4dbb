"""What Alembic runs: the steps, in the transaction that its caller has begun."""

from __future__ import annotations

from alembic import context

from governance.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
