"""Canaries: fixed prompts that are asked on a schedule, to hear a model that changes in silence."""

from rowen.evaluate.canary.base import PROMPTS, CanaryTable, Reading, Said, newest
from rowen.evaluate.canary.differ import judged
from rowen.evaluate.canary.work import Asked, Canaries, Canary

__all__ = ["PROMPTS", "Asked", "Canaries", "Canary", "CanaryTable", "Reading", "Said", "judged", "newest"]
