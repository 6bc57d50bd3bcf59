"""A small classifier: logistic regression over several labels, by accelerated gradient steps. NumPy alone."""

from collections.abc import Sequence
from typing import NamedTuple

from rowen.evaluate.statistics.arrays import Floats, Whole, np

_STEPS = 300
_CLOSE = 1e-3


class Head(NamedTuple):
    """What was learnt: a score for each label is `rows @ weights + bias`."""

    labels: tuple[str, ...]
    weights: Floats
    bias: Floats

    def chances(self, rows: Floats) -> Floats:
        """Return how likely each label is, a row each."""
        return _softmax(rows @ self.weights + self.bias)


def learn(rows: Floats, labels: Sequence[str], *, strength: float = 10.0) -> Head:
    """Return the head that explains labels best, its weights kept small.

    It minimises `strength` times the sum of the negative log-likelihoods plus half the squares of the weights, as
    scikit-learn's `LogisticRegression(C=strength)` does, by Nesterov's method with a restart whenever the loss rises
    (B. O'Donoghue & E. Candès, "Adaptive Restart for Accelerated Gradient Schemes", 2015).

    Args:
        rows: of length 1 each.
        labels: one for each row, two different ones at least.
        strength: how much the examples count against small weights.

    """
    names = tuple(sorted(set(labels)))
    known = {name: place for place, name in enumerate(names)}
    wanted: Whole = np.array([known[label] for label in labels], dtype=np.int64)
    n, wide = rows.shape
    weights = ahead = np.zeros((wide + 1, len(names)))
    one = np.concatenate([rows, np.ones((n, 1))], axis=1)
    # The curvature of the loss is at most half the largest eigenvalue of the rows' second moments (D. Böhning, 1992).
    pace = 1.0 / (0.5 * strength * _largest(one) + 1.0)
    momentum, before = 1.0, float("inf")
    for _ in range(_STEPS):
        chances = _softmax(one @ ahead)
        loss = (
            -strength * float(np.log(chances[np.arange(n), wanted] + 1e-300).sum()) + float((ahead[:-1] ** 2).sum()) / 2
        )
        chances[np.arange(n), wanted] -= 1.0
        slope = strength * (one.T @ chances)
        slope[:-1] += ahead[:-1]
        if loss > before:
            ahead, momentum, before = weights, 1.0, float("inf")
            continue
        before = loss
        stepped = ahead - pace * slope
        faster = (1 + (1 + 4 * momentum * momentum) ** 0.5) / 2
        ahead = stepped + (momentum - 1) / faster * (stepped - weights)
        weights, momentum = stepped, faster
        if float(np.abs(slope).max()) <= _CLOSE * strength:
            break
    return Head(names, weights[:-1], weights[-1])


def _largest(rows: Floats) -> float:
    """Return the largest eigenvalue of the rows' second moments, by the power method, a little above what it finds."""
    along = np.ones(rows.shape[1])
    found = 0.0
    for _ in range(30):
        along = rows.T @ (rows @ (along / np.linalg.norm(along)))
        found = float(np.linalg.norm(along))
    return 1.05 * found


def _softmax(scores: Floats) -> Floats:
    found: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
    found /= found.sum(axis=1, keepdims=True)
    return found
