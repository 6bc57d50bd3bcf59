"""The choice of a model: candidates measured, what is known of them, and the reasons."""

from rowen.evaluate.choice.base import Candidate, CatalogueTable, Choice
from rowen.evaluate.choice.report import choice
from rowen.evaluate.choice.write import choice_text

__all__ = ["Candidate", "CatalogueTable", "Choice", "choice", "choice_text"]
