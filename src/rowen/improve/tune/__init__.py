"""Finds better settings of a `[retrieve.NAME]` on the app's own questions, and says how sure that is."""

from rowen.improve.tune.bench import Bench
from rowen.improve.tune.questions import Question, parted, read
from rowen.improve.tune.run import Budget, Tuned, tuned
from rowen.improve.tune.space import Space, read_space

__all__ = ["Bench", "Budget", "Question", "Space", "Tuned", "parted", "read", "read_space", "tuned"]
