"""A cascade, replayed: the small one answers where it is sure, the large one the rest. What that saves, and what it costs.

L. Chen, M. Zaharia & J. Zou, "FrugalGPT" (2023), https://arxiv.org/abs/2305.05176. The threshold is chosen on one half of the
groups and told on the other, so that having chosen it does not flatter it.
"""

from collections.abc import Sequence
from hashlib import blake2b

from rowen.evaluate.compare.differ import interval
from rowen.evaluate.compare.pairs import Column
from rowen.evaluate.statistics import bootstrap_of, standing
from rowen.evaluate.statistics.arrays import Floats, Whole, np
from rowen.values import Mistaken, Value
from rowen.values.interval import Interval

FEWEST = 20
"""Cases on each half."""


class Tries(Value, frozen=True, kw_only=True):
    """One case, answered by both."""

    group: str
    sure: float
    """How sure the small one is, known before the large one is asked."""
    small: float
    """The score of the small one's answer; more is better."""
    large: float
    small_cost: float
    """US dollars."""
    large_cost: float


class Cascade(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What a cascade would have done, on cases that its threshold was not chosen on."""

    threshold: float
    """From how sure on the small one answers."""
    chosen_on: int
    n: int
    answered: Interval
    """The share that the small one answers."""
    difference: Interval
    """How much higher the cascade's score is than the large one's alone."""
    saved: Interval
    """The share of the large one's cost that is saved, the small one's cost taken into account."""
    margin: float
    holds: bool
    """Whether the score is not worse by more than the margin, and something is saved."""


def cascade(tries: Sequence[Tries], *, margin: float = 0.02, seed: str = "") -> Cascade:
    """Return what a cascade saves.

    Args:
        tries: cases that both answered.
        margin: how much of the score may be lost.
        seed: deals the halves anew.

    Raises:
        Mistaken: `conflict` for fewer than twenty cases on a half.

    """
    halves: tuple[list[Tries], list[Tries]] = ([], [])
    for each in tries:
        halves[blake2b(f"{seed}{each.group}".encode()).digest()[0] % 2].append(each)
    chosen_on, told_on = halves
    if min(len(chosen_on), len(told_on)) < FEWEST:
        message = f"{len(tries)} cases are too few to choose a threshold on one half and to tell its worth on the other"
        raise Mistaken("conflict", message, place="cases")
    threshold = _threshold(chosen_on, margin)
    small, large, own, full = (_row(told_on, name) for name in ("small", "large", "small_cost", "large_cost"))
    takes = _row(told_on, "sure") >= threshold
    known: dict[str, int] = {}
    groups: Whole = np.array([known.setdefault(each.group, len(known)) for each in told_on], dtype=np.int64)
    clusters = None if len(known) == len(groups) else groups
    gap = interval(Column.of(large, np.where(takes, small, large), groups))
    paid = own + np.where(takes, 0.0, full)

    def saved(places: Whole) -> float | None:
        whole = float(full[places].sum())
        return 1 - float(paid[places].sum()) / whole if whole else None

    answered = takes.astype(float)
    share = bootstrap_of(
        lambda places: float(answered[places].mean()), len(groups), clusters=clusters, bounds=(0.0, 1.0)
    )
    gain = bootstrap_of(saved, len(groups), clusters=clusters, bounds=(-1.0, 1.0))
    kept = standing(gap, margin) in {"better", "not worse"}
    return Cascade(
        threshold=threshold,
        chosen_on=len(chosen_on),
        n=len(told_on),
        answered=share,
        difference=gap,
        saved=gain,
        margin=margin,
        holds=kept and gain.low > 0,
    )


def _threshold(tries: Sequence[Tries], margin: float) -> float:
    """Return the lowest threshold that loses less than the margin with room to spare; infinity where none does.

    Four standard errors of room: with two, every second cascade would fail on the other half by chance.
    """
    small, large, sure = (_row(tries, name) for name in ("small", "large", "sure"))
    for threshold in np.unique(sure).tolist():
        gaps = np.where(sure >= threshold, small - large, 0.0)
        if float(gaps.mean()) - 4 * float(gaps.std()) / len(gaps) ** 0.5 >= -margin:
            return float(threshold)
    return float("inf")


def _row(tries: Sequence[Tries], name: str) -> Floats:
    found: Floats = np.array([getattr(each, name) for each in tries], dtype=float)
    return found
