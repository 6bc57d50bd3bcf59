"""Robustness and fairness as Markdown."""

from rowen.evaluate.compare.write import plain
from rowen.evaluate.robust.aware import Awareness
from rowen.evaluate.robust.bias import Fairness
from rowen.evaluate.robust.report import Robustness
from rowen.values.interval import Interval

_EXAMPLES = 10


def robustness_text(found: Robustness) -> str:
    """Return what a robustness run shows, as Markdown."""
    lines = [f"# How robust {found.run or 'it'} is", ""]
    if found.repeatability is not None:
        lines += [f"Asked again as it was, {_share(found.repeatability)} of the answers stayed the same.", ""]
    lines += ["| asked with | answers | held | asked again | difference | p | |", "|---|---|---|---|---|---|---|"]
    for way in found.ways:
        gap = way.difference
        lines.append(
            f"| {way.kind} | {way.n} | {_share(way.held)} | {_share(way.again)} | {_points(gap)} | {way.p_holm:.2g} "
            f"| {'**breaks**' if way.stands == 'breaks' else way.stands} |"
        )
    lines.append("")
    if found.slices:
        lines += ["| slice | cases | held | elsewhere | q | |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {plain(part.by)}: {plain(part.value)} | {part.n} | {_share(part.held)} | {part.rest:.0%} | {part.q:.2g} "
            f"| {'**worse**' if part.worse else ''} |"
            for part in found.slices
        ]
        lines.append("")
    for each in found.broken[:_EXAMPLES]:
        lines += [
            f"- `{plain(each.case)}` asked: {plain(each.asked)}",
            f"  - first: {plain(each.before)}",
            f"  - now: {plain(each.after)} (should be {plain(each.want)})",
        ]
    lines += ["", *found.warnings, ""] if found.warnings else [""]
    lines.append("p corrected by Holm, q by Benjamini & Hochberg; differences in points, paired, 95 %.")
    return "\n".join(lines) + "\n"


def fairness_text(found: Fairness) -> str:
    """Return what a run over counterfactual people shows, as Markdown."""
    lines = [f"# Whom {found.run or 'it'} treats otherwise", ""]
    lines += [
        "| attribute | questions | best off | worst off | gap | ratio | p | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in found.attributes:
        ends = (f"{each.groups[0].value}", f"{each.groups[-1].value}") if each.groups else ("–", "–")
        gap = "–" if each.gap.value is None else f"{each.gap.value:.3g} ({each.gap.bounds()})"
        ratio = "–" if each.ratio is None else f"{each.ratio:.2f}"
        verdict = "**counts**" if each.counts else "no difference found"
        lines.append(
            f"| {each.attribute} | {each.blocks} | {ends[0]} | {ends[1]} | {gap} | {ratio} | {each.p_holm:.2g} | {verdict} |"
        )
    lines.append("")
    for example in found.examples:
        said = ", ".join(f"{value} {number:g}" for value, number in example.values.items())
        lines.append(f"- `{plain(example.block)}`: {said}")
    unread = f"{found.unread} of {found.answers} answers said no number, yes or no." if found.unread else ""
    lines += ["", unread, "p corrected by Holm over attributes; the gap's interval allows for all pairs of groups."]
    return "\n".join(lines) + "\n"


def awareness_text(found: Awareness) -> str:
    """Return what a run over cases that were announced as tests shows, as Markdown."""
    lines = [f"# Whether {found.run or 'it'} minds being tested", ""]
    lines += [
        "| metric | cases | as any call | announced as a test | difference | p | |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in found.metrics:
        gap = (
            "–" if each.difference.value is None else f"{each.difference.value:+.3g} ({each.difference.bounds('+.3g')})"
        )
        verdict = "**differs**" if each.differs else "no difference found"
        means = f"{each.disguised.value or 0:.3g} | {each.announced.value or 0:.3g}"
        lines.append(f"| {plain(each.metric)} | {each.n} | {means} | {gap} | {each.p_holm:.2g} | {verdict} |")
    lines += ["", "Paired over the same cases, 95 %; p corrected by Holm over metrics."]
    return "\n".join(lines) + "\n"


def _share(found: Interval) -> str:
    return (
        "–" if found.value is None else f"{found.value:.0%} ({max(0.0, found.low):.0%} to {min(1.0, found.high):.0%})"
    )


def _points(gap: Interval) -> str:
    return "–" if gap.value is None else f"{gap.value * 100:+.0f} ({gap.low * 100:+.0f} to {gap.high * 100:+.0f})"
