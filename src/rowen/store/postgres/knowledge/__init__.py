"""What apps know, in PostgreSQL: vectors by pgvector, words as postings in tables."""

from rowen.store.postgres.knowledge.knowledge import PostgresKnowledge
from rowen.store.postgres.knowledge.schema import RELATIONS, SCRIPT, TABLES

__all__ = ["RELATIONS", "SCRIPT", "TABLES", "PostgresKnowledge"]
