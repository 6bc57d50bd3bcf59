"""Cases that are tried several times: how often at least one try passes, and how often all of them do.

pass@k: M. Chen et al., "Evaluating Large Language Models Trained on Code" (2021), https://arxiv.org/abs/2107.03374, the
unbiased estimator of section 2.1. pass^k: S. Yao et al., "τ-bench" (2024), https://arxiv.org/abs/2406.12045, section 2.
"""

from collections.abc import Iterable, Sequence
from math import comb

from rowen.evaluate.statistics.bootstrap import bootstrap
from rowen.values.interval import Interval

Tries = tuple[int, int]
"""Of one case: how many tries passed, and how many were made."""


def any_of(k: int, passed: int, tries: int) -> float:
    """Return the chance that at least one of `k` tries of a case passes, estimated without bias from `tries`.

    Raises:
        ValueError: fewer than `k` tries were made, or `passed` is not in 0 to `tries`.

    """
    _check(k, passed, tries)
    return 1.0 - comb(tries - passed, k) / comb(tries, k)


def all_of(k: int, passed: int, tries: int) -> float:
    """Return the chance that all of `k` tries of a case pass, estimated without bias from `tries`.

    Raises:
        ValueError: as for `any_of`.

    """
    _check(k, passed, tries)
    return comb(passed, k) / comb(tries, k)


def pass_at(
    k: int, cases: Sequence[Tries], *, clusters: Iterable[object] | None = None, level: float = 0.95
) -> Interval:
    """Return pass@k over cases, with an interval over cases like these.

    Raises:
        ValueError: as for `any_of`.

    """
    return _over([any_of(k, *each) for each in cases], clusters, level)


def pass_all(
    k: int, cases: Sequence[Tries], *, clusters: Iterable[object] | None = None, level: float = 0.95
) -> Interval:
    """Return pass^k over cases, with an interval over cases like these.

    Raises:
        ValueError: as for `any_of`.

    """
    return _over([all_of(k, *each) for each in cases], clusters, level)


def _over(values: Sequence[float], clusters: Iterable[object] | None, level: float) -> Interval:
    return bootstrap(values, clusters=clusters, level=level, bounds=(0.0, 1.0))


def _check(k: int, passed: int, tries: int) -> None:
    if not 1 <= k <= tries:
        raise ValueError(f"of {tries} tries nothing can be said about {k}")
    if not 0 <= passed <= tries:
        raise ValueError(f"{passed} of {tries} tries cannot have passed")
