"""Small records by kind: score configs, review queues, and what else is written seldom."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "records",
        sa.Column("kind", _TEXT, primary_key=True),
        sa.Column("tenant", _TEXT, primary_key=True),
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("app", _TEXT, nullable=False),
        sa.Column("group", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Index("ix_records_kind_at", "kind", "at_ns"),
        sa.Index("ix_records_kind_group", "kind", "group", "at_ns"),
    )
