"""Rowen runs LLM applications in production and makes them better from what happens there."""

__version__ = "0.1.0"
