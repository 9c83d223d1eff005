"""Alembic's environment: runs the migrations on the connection and in the transaction of the caller."""

from __future__ import annotations

from alembic import context

from voiceadmin.database.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
