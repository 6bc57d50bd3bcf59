"""The tables of the metadata families. What is queried is a column; the record itself is JSON in `record`."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table
from sqlalchemy import Text as AnyText

metadata = MetaData()

# Everywhere in the order of code points, which is SQLite's and Python's.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")

# SQLite counts rows by itself only in a column of the type INTEGER.
_Number = BigInteger().with_variant(Integer, "sqlite")

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("tenant", Text, nullable=False, index=True),
    Column("last_used_ns", BigInteger),
    Column("record", Text, nullable=False),
)

tenants = Table(
    "tenants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("record", Text, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("record", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("tenant", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("record", Text, nullable=False),
    Index("ix_audit_tenant_number", "tenant", "number"),
    sqlite_autoincrement=True,  # a number is never given twice
)

definitions = Table(
    "definitions",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=True),
    Column("hash", Text, nullable=False, unique=True),
    Column("app", Text, nullable=False, index=True),
    Column("seen_ns", BigInteger, nullable=False),
    Column("record", Text, nullable=False),
)

turns = Table(
    "turns",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("created_ns", BigInteger, nullable=False, index=True),
    Column("record", Text, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("app", Text, nullable=False),
    Column("group", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_records_kind_at", "kind", "at_ns"),
    Index("ix_records_kind_group", "kind", "group", "at_ns"),
)

revision = Table(
    "revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)

version = Table(
    "alembic_version",
    metadata,
    Column("version_num", Text, primary_key=True),
)
"""Written by Alembic; a fresh database gets it without Alembic being loaded."""
