"""What a run tries: every case so often, each with what its outcome is known by."""

from collections.abc import Sequence
from typing import NamedTuple

from rowen.evaluate.run.aim import Aim, hashed
from rowen.evaluate.run.judges import Judge
from rowen.store.base import Place
from rowen.values import Case


class Trial(NamedTuple):
    """One case to try."""

    case: Case
    trial: int
    asked: str
    """What was asked, and of what: with it the same, an answer need not be asked again."""
    key: str
    """That, and what is expected and who judges: with it the same, the outcome is the same."""

    @property
    def place(self) -> Place:
        """Where its outcome stands."""
        return Place(self.case.id, self.trial)


def trials_of(cases: Sequence[Case], aim: Aim, judges: Sequence[Judge], *, trials: int, seed: object) -> list[Trial]:
    """Return every case with every trial: all cases once before any is tried again."""
    judged = hashed({judge.name: judge.version for judge in judges})
    said = [(hashed(each.input), hashed(each.expected, each.metadata)) for each in cases]
    found: list[Trial] = []
    for trial in range(trials):
        base = hashed(aim.content, trial, seed)
        found += [
            Trial(case, trial, f"{base[:16]}{input[:24]}", hashed(base, input, expected, judged))
            for case, (input, expected) in zip(cases, said, strict=True)
        ]
    return found
