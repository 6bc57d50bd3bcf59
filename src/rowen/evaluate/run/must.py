"""What a figure must be, judged by its interval: met, missed, or not decided by so few cases."""

import math
import re
from typing import Literal

from rowen.evaluate.run.base import Loaded
from rowen.evaluate.run.tries import passes, tries_of
from rowen.values import Value
from rowen.values.interval import Interval, wilson

Word = Literal[">=", ">", "<=", "<"]
State = Literal["met", "missed", "undecided"]

_WRITTEN = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?(?:e-?\d+)?)\s*(%?)\s*")
_MOST = 10_000_000  # cases beyond which nobody is told to bring more
_METRIC = re.compile(r"(.+?)(?:([@^])(\d+))?")


class Must(Value, frozen=True, kw_only=True):
    """A bound on a metric."""

    metric: str
    """As it is written: `right`, or `right@3` (any of 3 tries) and `right^3` (all of 3)."""
    word: Word
    bound: float

    @property
    def base(self) -> str:
        """The metric without its tries."""
        return _parts(self.metric)[0]

    def __str__(self) -> str:
        return f"{self.metric} {self.word} {self.bound:g}"


class Held(Value, frozen=True, kw_only=True):
    """A bound held against a run."""

    must: Must
    state: State
    passed: bool
    """What it comes to, with `undecided` decided as the suite says."""
    found: Interval | None
    """None where the run has no such metric."""
    needed: int | None = None
    """Of what is undecided: about how many cases would decide, if the mean stayed what it is."""

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.must}: the run has no such metric"
        more = f"; about {self.needed:,} cases would decide" if self.needed else ""
        return f"{self.must}: {self.state}, {self.found}{more}"


def must_of(metric: str, text: str) -> Must:
    """Return a bound as it is written: `>= 0.9`, `< 5%`.

    Raises:
        ValueError: it is none.

    """
    found = _WRITTEN.fullmatch(text)
    if found is None or not metric.strip():
        raise ValueError(f'what {metric!r} must be is written as ">= 0.9", not {text!r}')
    bound = float(found[2]) / 100 if found[3] else float(found[2])
    return Must(metric=metric, word=found[1], bound=bound)  # type: ignore[arg-type]


def held(must: Must, run: Loaded, undecided: Literal["value", "fail", "pass"] = "value") -> Held:
    """Return whether a run keeps a bound, judged by the interval at 95 %.

    *met*: all of the interval is on the right side; *missed*: all of it is on the wrong one; else *undecided*. So what is
    met by chance alone is met at most 2.5 % of the time.
    """
    found = interval_of(must, run)
    if found is None or found.value is None:
        return Held(must=must, state="missed", passed=False, found=found)
    if _keeps(must, found.low) and _keeps(must, found.high):
        return Held(must=must, state="met", passed=True, found=found)
    if not _keeps(must, found.low) and not _keeps(must, found.high):
        return Held(must=must, state="missed", passed=False, found=found)
    passed = {"value": _keeps(must, found.value), "fail": False, "pass": True}[undecided]
    return Held(must=must, state="undecided", passed=passed, found=found, needed=_needed(found, must.bound))


def interval_of(must: Must, run: Loaded) -> Interval | None:
    """Return the figure that a bound is about; None where the run has none, or too few tries."""
    metric, how, k = _parts(must.metric)
    if how:
        tries = tries_of(run, metric)
        return None if tries is None or tries.least < k else passes(tries, k, how == "@")
    found = run.interval(metric)
    return None if found.value is None else found


def _parts(metric: str) -> tuple[str, str, int]:
    found = _METRIC.fullmatch(metric.strip())
    assert found is not None
    return found[1], found[2] or "", int(found[3] or 0)


def _keeps(must: Must, value: float) -> bool:
    match must.word:
        case ">=":
            return value >= must.bound
        case ">":
            return value > must.bound
        case "<=":
            return value <= must.bound
        case "<":
            return value < must.bound


def _needed(found: Interval, bound: float) -> int | None:
    """How many cases bring the bound out of the interval, if the mean stays."""
    assert found.value is not None
    gap = abs(found.value - bound)
    reach = found.value - found.low if bound < found.value else found.high - found.value
    if gap <= 0 or not math.isfinite(reach):
        return None
    if found.method != "wilson":
        return math.ceil(found.n * (reach / gap) ** 2)  # its width falls with the root of their number
    low, high = found.n, found.n * 2
    while not _outside(found, bound, high):
        low, high = high, high * 2
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _outside(found, bound, middle) else (middle, high)
    return high


def _outside(found: Interval, bound: float, n: int) -> bool:
    assert found.value is not None
    wide = wilson(found.value * n, n, found.level)
    return bound < wide.low or bound > wide.high
