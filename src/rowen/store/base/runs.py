"""Outcomes of runs."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from rowen.values import Outcome, Tried, Value


class Place(NamedTuple):
    """Where an outcome stands in its run."""

    case: str
    trial: int = 0


class Figures(Value, frozen=True, kw_only=True):
    """What a run's outcomes have beside answers and reasons: a column each, all of one length, by case, then trial."""

    cases: tuple[str, ...] = ()
    trials: tuple[int, ...] = ()
    states: tuple[Tried, ...] = ()
    numbers: tuple[dict[str, float], ...] = ()
    labels: tuple[dict[str, str], ...] = ()
    groups: tuple[str, ...] = ()
    slices: tuple[dict[str, str], ...] = ()
    costs: tuple[Decimal | None, ...] = ()
    durations: tuple[float | None, ...] = ()
    firsts: tuple[float | None, ...] = ()
    input_tokens: tuple[int, ...] = ()
    output_tokens: tuple[int, ...] = ()
    traces: tuple[str, ...] = ()
    cached: tuple[bool, ...] = ()
    paid: tuple[Decimal | None, ...] = ()
    keys: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.cases)


class Runs(Protocol):
    """What became of each case of a run. The run itself is a small record; it is known here by its id alone."""

    async def put(self, run: str, outcomes: Sequence[Outcome], *, tenant: str) -> None:
        """Write outcomes in one transaction; one that is there under its case and trial is replaced."""
        ...

    async def figures(self, run: str, tenant: str) -> Figures:
        """Return the figures of all outcomes; none of an unknown run. No answer is read for it."""
        ...

    async def find(self, run: str, places: Sequence[Place], *, tenant: str) -> list[Outcome]:
        """Return outcomes whole, in the order asked for, without those that are not there."""
        ...

    async def page(self, run: str, *, tenant: str, after: Place | None = None, limit: int = 100) -> list[Outcome]:
        """Return outcomes whole, by case, then trial, from behind a place."""
        ...

    async def known(self, keys: Sequence[str], *, tenant: str) -> dict[str, Outcome]:
        """Return the latest outcome of each content key, of whatever run.

        It is an answered one of that `key`, or any that was `asked` the same.
        """
        ...

    async def delete(self, run: str, tenant: str) -> int:
        """Remove the outcomes of a run; return how many."""
        ...
