"""Traces in ClickHouse, over HTTP."""
