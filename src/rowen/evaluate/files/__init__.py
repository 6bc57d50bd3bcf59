"""Data sets in files: our own rows, and the shapes of promptfoo, OpenAI's evals and Inspect."""

from rowen.evaluate.files.read import READS, Read, read
from rowen.evaluate.files.write import WRITES, Shape, written

__all__ = ["READS", "WRITES", "Read", "Shape", "read", "written"]
