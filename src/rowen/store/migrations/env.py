"""Alembic's entry: runs the migrations in the transaction of the connection that was handed in."""

from alembic import context

from rowen.store.sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
