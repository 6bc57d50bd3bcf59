"""Where documents come from: files, web pages, rows of a database."""

from rowen.retrieve.load.base import Listed, Original, Page, Ports, Source
from rowen.retrieve.load.catalog import source_of

__all__ = ["Listed", "Original", "Page", "Ports", "Source", "source_of"]
