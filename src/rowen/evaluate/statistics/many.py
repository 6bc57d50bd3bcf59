"""When several things are tested at once: p-values corrected for how many there were. Plain Python."""

from collections.abc import Sequence


def holm(chances: Sequence[float], tests: int = 0) -> list[float]:
    """Return p-values that keep the chance of any false alarm at the level, in the order in which they were given.

    S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979). For a
    handful of metrics that decide.

    Args:
        chances: p-values.
        tests: how many tests were made, when only the smaller p-values are given.

    """
    many = max(tests, len(chances))
    order = sorted(range(len(chances)), key=chances.__getitem__)
    found, most = [0.0] * len(chances), 0.0
    for rank, index in enumerate(order):
        most = max(most, min(1.0, chances[index] * (many - rank)))
        found[index] = most
    return found


def benjamini_hochberg(chances: Sequence[float], tests: int = 0) -> list[float]:
    """Return p-values that keep the share of false alarms among all alarms at the level, in the order given.

    Y. Benjamini & Y. Hochberg, "Controlling the False Discovery Rate", JRSS B 57 (1995). For many slices that are looked
    through.

    Args:
        chances: p-values.
        tests: how many tests were made, when only the smaller p-values are given.

    """
    many = max(tests, len(chances))
    order = sorted(range(len(chances)), key=chances.__getitem__, reverse=True)
    found, least = [0.0] * len(chances), 1.0
    for rank, index in zip(range(len(chances), 0, -1), order, strict=True):
        least = min(least, chances[index] * many / rank)
        found[index] = least
    return found
