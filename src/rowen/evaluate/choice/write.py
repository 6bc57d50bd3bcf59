"""A report on candidates as Markdown, to be read by whoever asks later why this model."""

from rowen.evaluate.choice.base import Candidate, Choice
from rowen.evaluate.compare.write import plain
from rowen.values import at
from rowen.values.interval import Interval

_FIELDS = (
    ("tasks", "meant for"),
    ("licence", "licence"),
    ("training", "trained on"),
    ("biases", "known biases"),
    ("adapting", "can be adapted by"),
    ("vendor", "vendor"),
    ("support", "support"),
    ("sla", "promised"),
    ("status_page", "status page"),
    ("api_version", "API version"),
    ("effort", "effort"),
    ("deprecated", "switched off on"),
    ("approved", "approved"),
)


def choice_text(found: Choice) -> str:
    """Return a report as Markdown."""
    chosen = next((each.name for each in found.candidates if each.run == found.chosen), "")
    when = f", {at(found.made_ns):%Y-%m-%d}" if found.made_ns else ""
    lines = [f"# Choice of a model{f' for {plain(found.app)}' if found.app else ''}{when}", ""]
    lines += [
        f"**{f'Chosen: {plain(chosen)}' if chosen else 'Nothing is chosen yet'}**{f' by {plain(found.by)}' if found.by else ''}",
        "",
    ]
    lines += [plain(found.rationale, most=20_000) or "*Why: to be written by whoever chooses.*", ""]
    lines += [
        f"| candidate | {plain(found.metric)} | cost of an answer | 95 % took at most | failed | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(found, each) for each in found.candidates]
    lines += [
        "",
        f"Over {found.pairs:,} pairs, 95 % intervals. Not dominated: {', '.join(plain(each) for each in found.front)}.",
        "",
    ]
    if found.tasks:
        names = {each.run: plain(each.name) for each in found.candidates}
        lines += ["| task | cases | best first | q |", "|---|---|---|---|"]
        for task in found.tasks:
            ranking = " › ".join(f"{names[run]} {mean:.3g}" for run, mean in task.ranking)
            lines.append(f"| {plain(task.by)}: {plain(task.value)} | {task.n} | {ranking} | {task.q:.2g} |")
        lines += ["", "q: whether the first leads the second, corrected for all tasks (Benjamini & Hochberg).", ""]
    for each in found.candidates:
        lines += _known(each)
    return "\n".join(lines)


def _row(found: Choice, each: Candidate) -> str:
    cost = "unknown" if each.cost.value is None else f"${each.cost.value:.2g}{_bounds(each.cost, '.2g')}"
    p95 = "unknown" if each.p95.value is None else f"{each.p95.value:,.0f} ms{_bounds(each.p95, ',.0f')}"
    notes = (
        [f"dominated by {', '.join(map(plain, each.dominated))}{'' if each.surely else ' (not surely)'}"]
        if each.dominated
        else []
    )
    notes += ["**chosen**"] if each.run == found.chosen else []
    return (
        f"| {plain(each.name)} | {_said(each.quality)} | {cost} | {p95} | {_said(each.failed)} | {'; '.join(notes)} |"
    )


def _said(each: Interval) -> str:
    return "unknown" if each.value is None else f"{each.value:.3g}{_bounds(each, '.3g')}"


def _bounds(each: Interval, shape: str) -> str:
    return f" ({each.bounds(shape)})" if each.bounded else ""


def known_of(each: Candidate) -> list[tuple[str, str]]:
    """Return what is known of a candidate's model beside what it does, as name and words."""
    found = []
    for field, name in _FIELDS if each.catalogue is not None else ():
        value = getattr(each.catalogue, field)
        words = ", ".join(value) if isinstance(value, tuple) else {True: "yes", False: ""}.get(value, value)
        if words:
            found.append((name, str(words)))
    return found


def _known(each: Candidate) -> list[str]:
    lines = [f"## {plain(each.name)}", ""]
    lines += [f"- {name}: {plain(words)}" for name, words in known_of(each)]
    lines += [f"- mind: {plain(warning)}" for warning in each.warnings]
    return [*lines, ""]
