"""What puts found passages into a better order."""

from rowen.retrieve.rerank.base import Rerank

__all__ = ["Rerank"]
