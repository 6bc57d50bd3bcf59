"""Runs side by side: what a candidate changes, where, and whether to let it out."""

from rowen.evaluate.compare.base import Change, Comparison, Cut, Difference
from rowen.evaluate.compare.desk import Comparing
from rowen.evaluate.compare.run import compare_all
from rowen.evaluate.compare.words import Piece, pieces_of

__all__ = [
    "Change",
    "Comparing",
    "Comparison",
    "Cut",
    "Difference",
    "Piece",
    "compare_all",
    "pieces_of",
]
