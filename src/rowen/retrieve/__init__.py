"""What we know: documents are loaded, cut, embedded and indexed; a question is searched, fused, and answered with citations."""

from rowen.retrieve.base import RetrieveSettings
from rowen.retrieve.cite import citing
from rowen.retrieve.step import cited, ground

__all__ = ["RetrieveSettings", "cited", "citing", "ground"]
