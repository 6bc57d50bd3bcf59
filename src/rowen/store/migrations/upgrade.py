"""Brings an older database up to date."""

from pathlib import Path

from sqlalchemy import Connection

from rowen.store.migrations import HEAD


def upgrade(connection: Connection, to: str = HEAD) -> None:
    """Run every migration that the database has not seen. The caller's transaction makes it all or nothing."""
    # Alembic takes a good part of a second to load, and a database that is up to date does not need it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
