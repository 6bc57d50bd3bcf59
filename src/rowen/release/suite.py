"""What a run of a suite shows of one version by itself: whether its cases were answered, and its thresholds met."""

from decimal import Decimal

from rowen.evaluate.run.base import Loaded
from rowen.release.ruling import Finding
from rowen.release.terms import Terms
from rowen.values.interval import Interval
from rowen.watch.bound import Bound


def shown(gate: str, suite: str, loaded: Loaded, terms: Terms) -> list[Finding]:
    """Return what a run shows of what its suite must be."""
    found = [_answered(gate, loaded, terms.table.failed)]
    for metric, bounds in terms.must.get(suite, {}).items():
        found += [_met(gate, metric, loaded, each) for each in bounds]
    return found


def _answered(gate: str, loaded: Loaded, most: float) -> Finding:
    n, failed = len(loaded.figures), sum(state == "failed" for state in loaded.figures.states)
    why = f"run {loaded.run.id}: {n - failed} of {n} tries answered and judged"
    if not n or n < loaded.run.cases * loaded.run.trials:
        return Finding(
            gate=gate,
            kind="evaluation",
            passed=False,
            why=f"{why}, of {loaded.run.cases * loaded.run.trials} that there are",
            fix=f"run `rowen eval --resume {loaded.run.id}`",
        )
    passed = failed <= most * n
    fix = "" if passed else f"see what failed in run {loaded.run.id}; {most:.0%} may"
    return Finding(gate=gate, kind="evaluation", passed=passed, why=why, fix=fix)


def _met(gate: str, metric: str, loaded: Loaded, must: Bound) -> Finding:
    """Say whether a threshold is met by the interval, not by the figure alone: twenty good cases prove little."""
    found = loaded.interval(metric)
    if found.value is None:
        fix = f"let the suite score `{metric}`, or take it out of `must`"
        return Finding(gate=gate, kind="threshold", passed=False, why=f"no case has a {metric}", fix=fix)
    edge = found.low if must.floor else found.high
    passed = must.holds(Decimal(repr(edge)))
    why = f"{metric} is {found}, and must be {must}"
    if passed:
        return Finding(gate=gate, kind="threshold", passed=True, why=why)
    if must.holds(Decimal(repr(found.value))):
        why += f": the figure is, but so few cases do not show it ({'from' if must.floor else 'up to'} {edge:.3g})"
        return Finding(gate=gate, kind="threshold", passed=False, why=why, fix=_more(found, must))
    fix = f"mend the cases in which `{metric}` falls short: `rowen eval --show {loaded.run.id}`"
    return Finding(gate=gate, kind="threshold", passed=False, why=why, fix=fix)


def _more(found: Interval, must: Bound) -> str:
    """Say about how many cases would show it: the width of an interval goes with the root of their number."""
    assert found.value is not None
    edge = found.low if must.floor else found.high
    room = abs(found.value - float(must.value))
    if not room:
        return "make the version better: it is exactly at the threshold"
    needed = int(found.n * (abs(found.value - edge) / room) ** 2) + 1
    return f"add cases: about {max(needed, found.n + 1):,} like these would show it, there are {found.n:,}"
