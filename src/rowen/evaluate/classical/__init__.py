"""The classical metrics, equal to scikit-learn's: of labels, of probabilities and rankings, and of numbers."""

from rowen.evaluate.classical.labels import labelled
from rowen.evaluate.classical.numbers import absolute_error, explained, squared_error
from rowen.evaluate.classical.scores import average_precision, brier, calibrated, log_loss, roc_auc

__all__ = [
    "absolute_error",
    "average_precision",
    "brier",
    "calibrated",
    "explained",
    "labelled",
    "log_loss",
    "roc_auc",
    "squared_error",
]
