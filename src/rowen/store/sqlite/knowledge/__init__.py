"""What apps know, in `knowledge.db`: the one source of truth, from which all that speeds up a search is made."""

from rowen.store.sqlite.knowledge.knowledge import SqliteKnowledge
from rowen.store.sqlite.knowledge.schema import SCRIPTS

__all__ = ["SCRIPTS", "SqliteKnowledge"]
