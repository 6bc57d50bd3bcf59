"""In which order to ask the deployments of one model. Adding a strategy is adding a function and its line below."""

from collections.abc import Callable, Sequence

from rowen.route.base import Random, Strategy
from rowen.route.state import Standing


def by_weight(standings: Sequence[Standing], rand: Random) -> list[Standing]:
    """Return a random order in which each place falls by weight (Efraimidis and Spirakis, 2006)."""
    return sorted(standings, key=lambda s: _drawn(s.deployment.weight, rand), reverse=True)


def by_load(standings: Sequence[Standing], rand: Random) -> list[Standing]:
    """Return those with the fewest calls under way for their weight first; equals by chance."""
    return sorted(standings, key=lambda s: (s.in_flight / (s.deployment.weight or 1e-9), rand()))


def by_latency(standings: Sequence[Standing], rand: Random) -> list[Standing]:
    """Return those that are expected to begin first; what was never measured comes before them."""
    return sorted(standings, key=lambda s: (s.slowness(), rand()))


def as_written(standings: Sequence[Standing], rand: Random) -> list[Standing]:  # noqa: ARG001 - one signature for all
    """Return the order of the definition."""
    return list(standings)


ORDERS: dict[Strategy, Callable[[Sequence[Standing], Random], list[Standing]]] = {
    "weight": by_weight,
    "least_busy": by_load,
    "latency": by_latency,
    "order": as_written,
}


def ordered(strategy: Strategy, standings: Sequence[Standing], rand: Random, region: str = "") -> list[Standing]:
    """Return the deployments of one model in the order in which to ask them.

    Args:
        strategy: among equals.
        standings: of those that can be asked.
        rand: for orders by chance.
        region: where this process stands; those of other regions come after all that are not.

    """
    if len(standings) == 1:
        return list(standings)
    found = ORDERS[strategy](standings, rand)
    if region:
        found.sort(key=lambda s: s.deployment.region not in {"", region})
    return found


def _drawn(weight: float, rand: Random) -> float:
    return rand() ** (1 / weight) if weight > 0 else -1.0
