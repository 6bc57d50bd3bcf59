"""Robustness: whether answers stand when a case is asked in another way."""

from rowen.evaluate.robust.base import KINDS, Kind, variant_of
from rowen.evaluate.robust.make import reworded, variants
from rowen.evaluate.robust.report import Broken, Part, Way, report

__all__ = [
    "KINDS",
    "Broken",
    "Kind",
    "Part",
    "Way",
    "report",
    "reworded",
    "variant_of",
    "variants",
]
