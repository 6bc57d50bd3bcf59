"""What a run of a suite shows of one version by itself: whether its cases were answered, and its thresholds met."""

from rowen.evaluate.run.base import Loaded
from rowen.evaluate.run.must import Must, held
from rowen.release.ruling import Finding
from rowen.release.terms import Terms


def shown(gate: str, suite: str, loaded: Loaded, terms: Terms) -> list[Finding]:
    """Return what a run shows of what its suite must be."""
    found = [_answered(gate, loaded, terms.table.failed)]
    return [*found, *(_met(gate, loaded, must) for must in terms.must.get(suite, ()))]


def _answered(gate: str, loaded: Loaded, most: float) -> Finding:
    n, failed = len(loaded.figures), sum(state == "failed" for state in loaded.figures.states)
    wanted = loaded.run.cases * loaded.run.trials
    why = f"run {loaded.run.id}: {n - failed:,} of {n:,} tries answered and judged"
    if not n or n < wanted:
        why, fix = f"{why}, of {wanted:,} that there are", f"run `rowen eval --resume {loaded.run.id}`"
        return Finding(gate=gate, kind="evaluation", passed=False, why=why, fix=fix)
    passed = failed <= most * n
    fix = "" if passed else f"see `rowen runs show {loaded.run.id}` for what failed; {most:.0%} may"
    return Finding(gate=gate, kind="evaluation", passed=passed, why=why, fix=fix)


def _met(gate: str, loaded: Loaded, must: Must) -> Finding:
    """Say whether a threshold is met by the interval, not by the figure alone: twenty good cases prove little."""
    found = held(must, loaded, "fail")
    if found.found is None:
        why, fix = f"no case has a {must.metric}", f"let the suite score `{must.base}`, or take it out of `must`"
    elif found.state == "met":
        return Finding(
            gate=gate, kind="threshold", passed=True, why=f"{must.metric} is {found.found}, and must be {must}"
        )
    elif found.state == "undecided":
        why = f"{must.metric} is {found.found}, and must be {must}: so few cases do not show it"
        fix = "make the version better, or add cases"
        if found.needed:
            fix = f"add cases: about {found.needed:,} like these would decide, there are {found.found.n:,}"
    else:
        why = f"{must.metric} is {found.found}, and must be {must}"
        fix = f"mend the cases that `rowen runs show {loaded.run.id}` tells of"
    return Finding(gate=gate, kind="threshold", passed=False, why=why, fix=fix)
