"""The models that ship: which they are, where their files lie, and how they get there."""

from rowen.provider.weights.base import Found, Listed, Piece, Progress, Weights
from rowen.provider.weights.catalog import CATALOG
from rowen.provider.weights.fetch import add, add_file
from rowen.provider.weights.folder import Folder, default_place

__all__ = ["CATALOG", "Folder", "Found", "Listed", "Piece", "Progress", "Weights", "add", "add_file", "default_place"]
