"""Sees within seconds that a candidate fails: a bet against it with each call, in the process that answers.

For a wealth that starts at 1 and that is bet on "it fails more often than p", whoever holds the bets expects no more than 1 while
that is not so, so it reaches 1,000 with a probability of at most 1 in 1,000, however long one watches (J. Ville, 1939). `p` is
what the baseline fails, doubled, and never less than `_LEAST`: what fails for everybody is no reason to go back.
"""

import math
from collections import defaultdict, deque

from rowen.values import Call, Rollout, Value

_LEAST = 0.05
_MOST = 0.8
"""Where so much of the baseline's calls may fail, something else is the matter."""
_RATES = (0.15, 0.3, 0.5, 0.7, 0.9, 0.99)
"""Failures that are bet on, alike."""
_ENOUGH = math.log(1_000)
_RECENT = 500
"""Calls of the baseline that its rate is told from."""


class Breach(Value, frozen=True, kw_only=True):
    """A candidate that fails."""

    rollout: str
    arm: str
    failed: int
    calls: int
    expected: float
    """The share of failures that would still have been taken."""
    codes: dict[str, int]

    def __str__(self) -> str:
        codes = ", ".join(f"{code} × {count}" for code, count in sorted(self.codes.items()))
        return (
            f"{self.arm} failed {self.failed} of {self.calls} calls here ({codes}), "
            f"where up to {self.expected:.0%} would have been as the baseline"
        )


class Sentry:
    """Counts what came of assigned calls in this process."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[bool]] = defaultdict(lambda: deque(maxlen=_RECENT))
        self._wealth: dict[tuple[str, str], list[float]] = {}
        self._counts: dict[tuple[str, str], dict[str, int]] = {}

    def see(self, call: Call, rollouts: dict[str, Rollout]) -> Breach | None:
        """Take a call that has ended; return the breach when it is the one that makes it sure."""
        if call.problem is not None and call.problem.code == "cancelled":
            return None
        code = failure(call)
        found = None
        for each in call.assigned:
            rollout = rollouts.get(each.rollout)
            if rollout is None or each.shadow:
                continue
            if each.arm == rollout.arms[0].name:
                self._recent[rollout.id].append(bool(code))
            elif breach := self._bet(rollout, each.arm, code):
                found = breach
        return found

    def forget(self, running: set[str]) -> None:
        """Forget all rollouts but those that run."""
        for known in [known for known in self._wealth if known[0] not in running]:
            del self._wealth[known], self._counts[known]
        for rollout in [rollout for rollout in self._recent if rollout not in running]:
            del self._recent[rollout]

    def _bet(self, rollout: Rollout, arm: str, code: str) -> Breach | None:
        recent = self._recent[rollout.id]
        # Until the baseline has shown what it fails, nothing is held against the candidate.
        expected = max(_LEAST, 2 * (sum(recent) + 1) / (len(recent) + 2))
        wealth = self._wealth.setdefault((rollout.id, arm), [0.0] * len(_RATES))
        counts = self._counts.setdefault((rollout.id, arm), {})
        counts[code] = counts.get(code, 0) + 1
        for place, rate in enumerate(_RATES):
            if expected < min(rate, _MOST):
                wealth[place] += math.log(rate / expected) if code else math.log((1 - rate) / (1 - expected))
        top = max(wealth)
        total = top + math.log(sum(math.exp(each - top) for each in wealth) / len(wealth))
        failures = {name: count for name, count in counts.items() if name}
        if not code or total < _ENOUGH:
            return None
        return Breach(
            rollout=rollout.id,
            arm=arm,
            failed=sum(failures.values()),
            calls=sum(counts.values()),
            expected=expected,
            codes=failures,
        )


def failure(call: Call) -> str:
    """Return the code of what the app itself did wrong; empty for what is well, or the caller's own fault."""
    problem = call.problem
    if problem is None:
        return ""
    # A version without a model that callers ask for has broken them, whoever is said to be mistaken.
    return problem.code if problem.kind in {"unavailable", "broken"} or problem.code == "model_unknown" else ""
