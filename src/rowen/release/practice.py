"""How changes reach everybody: how many versions were tried out on some first, and how many were taken back."""

from collections.abc import Iterable

from rowen.values import ReleaseLine, Rollout, Value
from rowen.values.interval import Interval, wilson


class Practice(Value, frozen=True, kw_only=True):
    """What the log of an app says of a stretch of time. The first version of all has nothing to be compared with."""

    since_ns: int
    let_out: int
    """Versions that came to answer everybody."""
    tried: dict[str, int]
    """Of these, by strategy, how many were tried out on some first; one may have been tried out in several ways."""
    compared: Interval
    """The share of them that were compared with what was live, by a canary, an experiment, a bandit or a shadow."""
    ended: dict[str, int]
    """Rollouts that ended, by how they did."""


def practice(lines: Iterable[ReleaseLine], rollouts: Iterable[Rollout], since_ns: int) -> Practice:
    """Return how an app was changed since a moment.

    Args:
        lines: of its log, in any order; those before the moment too, for a version may have been tried out earlier.
        rollouts: of the app.
        since_ns: from when.

    """
    strategies = {each.id: each.strategy for each in rollouts}
    tried: dict[str, set[str]] = {}
    out: dict[tuple[str, str], set[str]] = {}
    first: set[str] = set()
    for line in sorted(lines, key=lambda each: each.number):
        if line.act == "begin" and line.rollout in strategies:
            tried.setdefault(line.definition, set()).add(strategies[line.rollout])
        elif line.act in {"release", "promote"} and line.definition != line.before:
            if line.environment not in first:
                first.add(line.environment)
            elif line.at_ns >= since_ns:
                out[line.environment, line.definition] = tried.get(line.definition, set())
    ways = [way for each in out.values() for way in each]
    ended = [each.state for each in rollouts if each.state != "running" and each.ended_ns >= since_ns]
    return Practice(
        since_ns=since_ns,
        let_out=len(out),
        tried={way: ways.count(way) for way in sorted(set(ways))},
        compared=wilson(sum(bool(each) for each in out.values()), len(out)),
        ended={state: ended.count(state) for state in sorted(set(ended))},
    )
