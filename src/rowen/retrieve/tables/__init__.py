"""Questions about numbers, answered from tables: by rules, or by a model that writes the query; by exact figures in either case."""

from rowen.retrieve.tables.look import Tables, Told

__all__ = ["Tables", "Told"]
