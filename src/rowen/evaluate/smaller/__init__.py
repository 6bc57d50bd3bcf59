"""Whether something smaller would do: a classifier in place of a model, or in front of one."""

from rowen.evaluate.smaller.advise import Advised, Example, advise, normal
from rowen.evaluate.smaller.cascade import Cascade, Tries, cascade
from rowen.evaluate.smaller.features import of_model, of_words
from rowen.evaluate.smaller.head import learn

__all__ = [
    "Advised",
    "Cascade",
    "Example",
    "Tries",
    "advise",
    "cascade",
    "learn",
    "normal",
    "of_model",
    "of_words",
]
