"""Keys, tenants, users, audit, definitions, turns and the revision number."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "keys",
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("digest", _TEXT, nullable=False, unique=True),
        sa.Column("tenant", _TEXT, nullable=False, index=True),
        sa.Column("last_used_ns", sa.BigInteger),
        sa.Column("record", _TEXT, nullable=False),
    )
    op.create_table(
        "tenants",
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("record", _TEXT, nullable=False),
    )
    op.create_table(
        "users",
        sa.Column("tenant", _TEXT, primary_key=True),
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("record", _TEXT, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", _TEXT, nullable=False, unique=True),
        sa.Column("tenant", _TEXT, nullable=False),
        sa.Column("chain", _TEXT, nullable=False),
        sa.Column("record", _TEXT, nullable=False),
        sa.Index("ix_audit_tenant_number", "tenant", "number"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "definitions",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("hash", _TEXT, nullable=False, unique=True),
        sa.Column("app", _TEXT, nullable=False, index=True),
        sa.Column("seen_ns", sa.BigInteger, nullable=False),
        sa.Column("record", _TEXT, nullable=False),
    )
    op.create_table(
        "turns",
        sa.Column("tenant", _TEXT, primary_key=True),
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("created_ns", sa.BigInteger, nullable=False, index=True),
        sa.Column("record", _TEXT, nullable=False),
    )
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
