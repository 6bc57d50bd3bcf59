"""Closed days of traces and scores as Parquet files: written and read by DuckDB, and by whatever else reads Parquet."""
