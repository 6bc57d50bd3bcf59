"""A comparison as Markdown: for a pull request, a mail, a record."""

from collections.abc import Mapping, Sequence

from rowen.evaluate.compare.base import Change, Comparison, Cut, Difference
from rowen.values import Run
from rowen.values.interval import Interval

CASES = 10
"""Cases that are told of those that became worse, and of those that became better."""

_ANSWER = 300
_UNITS: Mapping[str, str] = {"latency": " ms", "first_token": " ms", "duration": " ms"}


def markdown(found: Sequence[Comparison], runs: Sequence[Run], *, cases: int = CASES) -> str:
    """Return comparisons with one baseline as Markdown.

    Args:
        found: each candidate against the baseline.
        runs: the baseline and the candidates, for their names.
        cases: how many cases are told of those that became worse, and of those that became better.

    """
    names = {run.id: named(run) for run in runs}
    candidates = " and ".join(names[each.candidate] for each in found)
    lines = [f"# {candidates} against {names[found[0].baseline]}", ""]
    for each in found:
        if len(found) > 1:
            lines += [f"## {names[each.candidate]}", ""]
        lines += [*_decided(each), *_metrics(each), *_slices(each), *_cases(each, cases)]
        lines += [f"- {warning}" for warning in each.warnings]
        lines += [""] if each.warnings else []
    rests = f"{found[0].pairs:,} pairs of {found[0].groups:,} cases or groups."
    how = "Intervals of metrics as the plan asks for; p-values of metrics by Holm, of slices by Benjamini & Hochberg."
    lines += [f"{rests} {how}", ""]
    return "\n".join(lines)


def named(run: Run) -> str:
    """Return what a run is called for people."""
    name = run.target.name or run.target.definition[:12]
    return f"{name} ({run.id})" if name else run.id


def told(metric: str, gap: Interval, *, signed: bool = True) -> str:
    """Return an estimate with its interval as people read it."""
    if gap.value is None:
        return "–"
    unit = _UNITS.get(metric, "")
    value, low, high = (_number(metric, number, signed=signed) for number in (gap.value, gap.low, gap.high))
    return f"{value}{unit} ({low} to {high})" if gap.bounded else f"{value}{unit}"


def _number(metric: str, number: float, *, signed: bool) -> str:
    """Return a number with its sign, which nothing has not; dollars with theirs before it."""
    sign = "-" if number < 0 else "+" if signed and number > 0 else ""
    return f"{sign}{'$' if metric == 'cost' else ''}{abs(number):.3g}"


def _decided(found: Comparison) -> list[str]:
    if found.decision is None:
        return []
    return [f"**{found.decision.verdict}**: {found.decision.why}", ""]


def _metrics(found: Comparison) -> list[str]:
    head = ["| metric | role | before | after | difference | p | stands |", "|---|---|---|---|---|---|---|"]
    return [*head, *map(_metric, found.differences), ""]


def _metric(each: Difference) -> str:
    return (
        f"| {each.metric} | {each.role or ''} | {told(each.metric, each.baseline, signed=False)} "
        f"| {told(each.metric, each.candidate, signed=False)} | {told(each.metric, each.difference)} "
        f"| {each.p_holm:.2g} | {each.standing} |"
    )


def _slices(found: Comparison) -> list[str]:
    significant = [each for each in found.slices if each.standing != "undecided"]
    if not found.slices:
        return []
    if not significant:
        return [f"Of {found.slices_tested} slices none differs significantly in {found.metric}.", ""]
    head = [f"| slice | cases | before | after | {found.metric} | q |", "|---|---|---|---|---|---|"]
    return [*head, *(_slice(found.metric, each) for each in significant), ""]


def _slice(metric: str, each: Cut) -> str:
    return (
        f"| {plain(each.by)}: {plain(each.value)} | {each.n} | {each.baseline:.3g} | {each.candidate:.3g} "
        f"| {told(metric, each.difference)} {each.standing} | {each.q:.2g} |"
    )


def _cases(found: Comparison, most: int) -> list[str]:
    worse = [each for each in found.changes if each.gain < 0][:most]
    better = [each for each in found.changes if each.gain > 0][:most]
    lines = [f"{found.worse} cases became worse, {found.better} better, {found.same} stayed as they were.", ""]
    for each in (*worse, *better):
        lines += [f"- `{plain(each.case)}` {found.metric} {each.before:.3g} → {each.after:.3g}", *_answers(each)]
    return [*lines, ""] if worse or better else lines


def _answers(each: Change) -> list[str]:
    texts = [failed or answer for failed, answer in zip(each.failed, each.answers, strict=True)]
    if texts[0] == texts[1]:
        return [f"  - both: {plain(texts[0])}"]
    return [f"  - before: {plain(texts[0])}", f"  - after: {plain(texts[1])}"]


def plain(text: str, *, most: int = _ANSWER) -> str:
    """Return a text that stays on its line and in its cell, and is no markup."""
    flat = " ".join(text.split())
    flat = flat if len(flat) <= most else f"{flat[: most - 1]}…"
    for sign in "\\`*_[]<>|#":
        flat = flat.replace(sign, f"\\{sign}")
    return flat
