"""The one chain of migrations of the metadata families. `NNNN_pre_…` runs before new code, `NNNN_post_…` after it."""

HEAD = "0002"
"""The newest revision. A database that has it is opened without Alembic being loaded."""
