"""A result as Markdown, for a pull request or a job's summary."""

from collections.abc import Sequence

from rowen.evaluate.run.must import Held
from rowen.evaluate.run.result import Figure, Result
from rowen.values.interval import Interval

_MARKS = {"met": "✅", "missed": "❌", "undecided": "⚠️"}


def markdown(results: Sequence[Result]) -> str:
    """Return results as a summary that a person reads in a minute."""
    return "\n".join(line for result in results for line in (*_one(result), ""))


def _one(result: Result) -> list[str]:
    run = result.run
    tried = run.answered + run.failed
    said = "passed" if result.passed else "**not passed**"
    lines = [
        f"## {cell(run.suite or run.target.name or run.app or 'Evaluation')}: {said}",
        "",
        f"{tried:,} of {run.cases * run.trials:,} tried, {run.failed:,} failed, {run.cached:,} known from earlier runs.",
        f"{run.cost.normalize():f} USD. Run `{run.id}` of {_what(result)}.",
        f"Data set {cell(run.dataset)}, version `{run.version[:12]}`.",
    ]
    if result.run.state != "done":
        lines += ["", f"It ended early: {cell(run.why)}."]
    if result.held:
        lines += ["", "| must | | found | n |", "|---|---|---|---:|", *map(_held, result.held)]
    lines += ["", "| metric | mean | 95 % | n |", "|---|---:|---|---:|", *map(_figure, result.figures)]
    if result.errors:
        lines += ["", "| failed | cases |", "|---|---:|"]
        lines += [f"| {cell(error)} | {count:,} |" for error, count in result.errors.items()]
    if result.slices:
        metrics = [metric for metric in run.metrics if any(metric in each.figures for each in result.slices)][:4]
        lines += [
            "",
            "<details><summary>Slices</summary>",
            "",
            f"| slice | cases |{''.join(f' {m} |' for m in metrics)}",
        ]
        lines.append(f"|---|---:|{'---|' * len(metrics)}")
        for each in result.slices:
            shown = "".join(f" {_bounded(each.figures.get(metric))} |" for metric in metrics)
            lines.append(f"| {cell(each.name)}: {cell(each.value)} | {each.cases:,} |{shown}")
        lines += ["", "</details>"]
    return lines


def _what(result: Result) -> str:
    target = result.run.target
    name = f" {cell(target.name)}" if target.name else ""
    return f"{target.kind}{name} `{target.definition[:12]}`"


def _held(held: Held) -> str:
    needed = f", about {held.needed:,} cases would decide" if held.needed else ""
    found = "no such metric" if held.found is None else f"{held.state}: {_bounded(held.found)}{needed}"
    mark = _MARKS[held.state] if held.state != "undecided" or held.passed else "❌"
    return f"| {cell(str(held.must))} | {mark} | {found} | {held.found.n if held.found else 0:,} |"


def _figure(figure: Figure) -> str:
    interval = figure.interval
    value = "" if interval.value is None else f"{interval.value:.4g}"
    return f"| {cell(figure.metric)} | {value} | {interval.bounds('.4g')} | {interval.n:,} |"


def _bounded(interval: Interval | None) -> str:
    if interval is None or interval.value is None:
        return ""
    return f"{interval.value:.3g} ({interval.bounds()})"


def cell(text: str) -> str:
    """Return a text that stays inside its cell and is no markup."""
    plain = " ".join(text.split())[:200].replace("\\", "\\\\")
    for mark in "|`<>*_[]":
        plain = plain.replace(mark, f"\\{mark}")
    return plain
