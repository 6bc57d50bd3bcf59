"""Sums over scores: what a ScoreBucket is made of. They are exact, so no order of additions and removals shows in them.

A finite binary float is a whole number over a power of two, and so are sums and squares of such numbers: kept as a pair
of whole numbers they lose nothing, and are rounded once, when they are read.
"""

from rowen.store.base import ScoreBucket
from rowen.store.sums import MINUTE_NS
from rowen.values import Score

HOUR_NS = 60 * MINUTE_NS

Exact = tuple[int, int]
"""`(n, k)` is n / 2**k."""

_NOTHING: Exact = (0, 0)
_COUNTED = 10  # the longest usual scale, `nps`, ends there


def label_of(score: Score) -> str:
    """Return what a score is counted under: a category, `true` or `false`, a whole number from 0 to 10; else nothing."""
    value = score.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if score.type == "category" else ""
    return str(int(value)) if float(value).is_integer() and 0 <= value <= _COUNTED else ""


def place_of(score: Score) -> int:
    """Return the time of a score: when what it judges began, or when it was given where that is not known."""
    return score.judged_ns or score.created_ns


class Tally:
    """Sums that scores are added to and taken from, and that add to one another."""

    __slots__ = ("count", "labels", "last_ns", "least", "most", "numbers", "squares", "total")

    def __init__(self) -> None:
        self.count = self.numbers = self.last_ns = 0
        self.total = self.squares = _NOTHING
        self.least: float | None = None
        self.most: float | None = None
        self.labels: dict[str, int] = {}

    def add(self, number: float | None, label: str, at_ns: int) -> None:
        """Count a score."""
        self._change(number, label, 1)
        self.last_ns = max(self.last_ns, at_ns)
        if number is not None:
            self.least = number if self.least is None else min(self.least, number)
            self.most = number if self.most is None else max(self.most, number)

    def remove(self, number: float | None, label: str, at_ns: int) -> bool:
        """Take a score away; return whether `least`, `most` or `last_ns` may have been its own and must be found anew."""
        self._change(number, label, -1)
        return at_ns >= self.last_ns or (number is not None and number in {self.least, self.most})

    def take(self, other: "Tally") -> None:
        """Add other sums to these."""
        self.count += other.count
        self.numbers += other.numbers
        self.total = _plus(self.total, other.total)
        self.squares = _plus(self.squares, other.squares)
        self.last_ns = max(self.last_ns, other.last_ns)
        if other.least is not None:
            self.least = other.least if self.least is None else min(self.least, other.least)
        if other.most is not None:
            self.most = other.most if self.most is None else max(self.most, other.most)
        for label, count in other.labels.items():
            self._label(label, count)

    def bucket(self, start_ns: int, group: str) -> ScoreBucket:
        """Return the sums as a value, each rounded once."""
        return ScoreBucket(
            start_ns=start_ns,
            group=group,
            count=self.count,
            numbers=self.numbers,
            total=rounded(self.total),
            squares=rounded(self.squares),
            least=self.least,
            most=self.most,
            labels=dict(sorted(self.labels.items())),
        )

    def _change(self, number: float | None, label: str, sign: int) -> None:
        self.count += sign
        if label:
            self._label(label, sign)
        if number is not None:
            self.numbers += sign
            over, under = number.as_integer_ratio()
            power = under.bit_length() - 1
            self.total = _plus(self.total, (sign * over, power))
            self.squares = _plus(self.squares, (sign * over * over, 2 * power))

    def _label(self, label: str, count: int) -> None:
        total = self.labels.get(label, 0) + count
        if total:
            self.labels[label] = total
        else:
            self.labels.pop(label, None)


def rounded(exact: Exact) -> float:
    """Return the float nearest to an exact sum; infinity for one that no float can hold."""
    number, power = exact
    try:
        return number / (1 << power)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def written(exact: Exact) -> str:
    """Return an exact sum as text."""
    return f"{exact[0]:x}/{exact[1]}"


def read(text: str) -> Exact:
    """Return an exact sum from its text."""
    number, _, power = text.partition("/")
    return int(number, 16), int(power)


def _plus(one: Exact, other: Exact) -> Exact:
    number, power = one
    more, its = other
    if its > power:
        number, power = number << (its - power), its
    number += more << (power - its)
    if not number:
        return _NOTHING
    spare = min((number & -number).bit_length() - 1, power)
    return number >> spare, power - spare
