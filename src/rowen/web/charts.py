"""Charts drawn on the server: SVG for the shapes, HTML for the words, so that words keep their size on any screen.

No script and no layout shift; the same numbers stand in a table beside them, which is what a screen reader gets.
Attributes only, no `style`: the content policy forbids inline style.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, inf, isfinite, log10

from markupsafe import Markup

from rowen.values.interval import Interval

Say = Callable[[float], str]
"""How a value on an axis reads."""

_RULES = 4
_COLUMNS = (7, 6, 8, 5, 4, 3, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line or one layer of bars: its class in the stylesheet, what it is called, and a value per slot."""

    kind: str
    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One stretch on the time axis: what it is called there, and where its traces are listed."""

    name: str
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at a slot, such as a release."""

    place: int
    name: str


def bars(
    slots: Sequence[Slot], layers: Sequence[Series], title: str, say: Say, *, marks: Sequence[Mark] = ()
) -> Markup:
    """Stacked bars, the first layer at the bottom. The smallest amount is still a visible sliver."""
    sums = [sum(layer.values[i] or 0 for layer in layers) for i in range(len(slots))]
    top = round_up(max(sums, default=0))
    parts: list[str] = []
    for i in range(len(slots)):
        y = 100.0
        for layer in layers:
            value = layer.values[i] or 0
            if value <= 0:
                continue
            height = max(value / top * 100, 0.8)
            y -= height
            parts.append(
                f'<rect class="{layer.kind}" x="{i + 0.1:.1f}" y="{max(y, 0):.2f}" width="0.8" height="{height:.2f}"/>'
            )
    parts += [f'<path class="mark" d="M{mark.place + 0.5} 0V100"/>' for mark in marks]
    return _plot(slots, layers, parts, top, title, say, marks)


def curves(slots: Sequence[Slot], series: Sequence[Series], title: str, say: Say) -> Markup:
    """Lines with gaps where there is no value; a value between two gaps is a dot."""
    top = round_up(max((value for each in series for value in each.values if value is not None), default=0))
    parts: list[str] = []
    for each in series:
        run: list[str] = []
        for i, value in enumerate((*each.values, None)):
            if value is not None:
                run.append(f"{i + 0.5},{100 - value / top * 100:.2f}")
                continue
            if len(run) == 1:
                # A line of no length with round ends: a circle would be stretched with the plot.
                parts.append(f'<path class="{each.kind} dot" d="M{run[0]}h0"/>')
            elif run:
                parts.append(f'<polyline class="{each.kind}" points="{" ".join(run)}"/>')
            run = []
    return _plot(slots, series, parts, top, title, say)


def trend(
    slots: Sequence[Slot],
    means: Sequence[Interval],
    title: str,
    *,
    marks: Sequence[Mark] = (),
    share: bool = False,
    target: float | None = None,
    most: float = inf,
    holds: Sequence[float] = (),
    say: Say = "{:.3g}".format,
) -> Markup:
    """A line of means with a ribbon of their intervals, and upright lines where something happened.

    The axis of a share goes from 0 to 1; any other holds the means, the target and what it is to hold besides, with some
    room up to `most`.
    """
    values = [*(mean.value for mean in means if mean.value is not None), *holds]
    low, high = (0.0, 1.0) if share else _axis(values if target is None else [*values, target], most)
    scale = 100 / (high - low)

    def y(value: float) -> float:
        return 100 - (min(max(value, low), high) - low) * scale

    parts: list[str] = []
    for first, last in _runs([mean.value for mean in means]):
        run = range(first, last)
        upper = [f"{i + 0.5},{y(means[i].high):.2f}" for i in run]
        lower = [f"{i + 0.5},{y(means[i].low):.2f}" for i in reversed(run)]
        line = [f"{i + 0.5},{y(means[i].value or 0.0):.2f}" for i in run]
        if len(run) == 1:
            parts.append(f'<path class="bound" d="M{upper[0]}V{y(means[first].low):.2f}"/>')
            parts.append(f'<path class="p50 dot" d="M{line[0]}h0"/>')
        else:
            parts.append(f'<polygon class="ribbon" points="{" ".join(upper + lower)}"/>')
            parts.append(f'<polyline class="p50" points="{" ".join(line)}"/>')
    parts += [f'<path class="mark" d="M{mark.place + 0.5} 0V100"/>' for mark in marks]
    if target is not None:
        parts.append(f'<path class="target" d="M0 {y(target):.2f}H{len(slots)}"/>')
    told = [[f"{say(mean.value)} ({mean.bounds()}), n {mean.n}"] if mean.value is not None else [] for mean in means]
    for mark in marks:
        if 0 <= mark.place < len(told):
            told[mark.place].append(f"since here: {mark.name}")
    hits = "".join(_column(i, slot, told[i]) for i, slot in enumerate(slots))
    return _frame(slots, parts, hits, [say(low + (high - low) * n / _RULES) for n in range(_RULES, -1, -1)], title)


def burn_down(slots: Sequence[Slot], left: Sequence[float | None], title: str, say: Say) -> Markup:
    """What is left of a budget at the end of each slot: all of it at the top, nothing at the line, overdrawn below.

    The dashed line is where it would be, were it spent evenly.
    """
    floor = min([0.0, *(value for value in left if value is not None)])
    low = -round_up(-floor) if floor < 0 else 0.0
    scale = 100 / (1 - low)

    def y(value: float) -> float:
        return (1 - value) * scale

    points = [f"{i + 1},{y(value):.2f}" for i, value in enumerate(left) if value is not None]
    parts = [
        f'<path class="even" d="M0 0L{len(slots)} {y(0):.2f}"/>',
        f'<path class="zero" d="M0 {y(0):.2f}H{len(slots)}"/>',
    ]
    if points:
        last = sum(value is not None for value in left)
        parts.append(f'<polygon class="ribbon" points="0,{y(0):.2f} 0,0 {" ".join(points)} {last},{y(0):.2f}"/>')
        parts.append(f'<polyline class="p50" points="0,0 {" ".join(points)}"/>')
    told = [[] if value is None else [f"{say(value)} left"] for value in left]
    hits = "".join(_column(i, slot, told[i]) for i, slot in enumerate(slots))
    return _frame(slots, parts, hits, [say(low + (1 - low) * n / _RULES) for n in range(_RULES, -1, -1)], title)


def sparkline(values: Sequence[float | None]) -> Markup:
    """A small line beside a number in a table: how it went. It starts at no scale, so it shows shape alone."""
    known = [value for value in values if value is not None]
    if not known:
        return Markup("")
    low, high = _room(known)
    scale = 20 / (high - low)
    parts = []
    for first, last in _runs(values):
        points = [
            f"{i + 0.5},{21 - (value - low) * scale:.2f}"
            for i in range(first, last)
            if (value := values[i]) is not None
        ]
        lone = len(points) == 1
        parts.append(
            f'<path class="p50 dot" d="M{points[0]}h0"/>'
            if lone
            else f'<polyline class="p50" points="{" ".join(points)}"/>'
        )
    head = f'<svg class="spark" viewBox="0 0 {len(values)} 22" preserveAspectRatio="none" aria-hidden="true">'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - numbers and our own class names


def _runs(values: Sequence[float | None]) -> list[tuple[int, int]]:
    """Return the stretches without a gap, as first and one beyond the last."""
    runs: list[tuple[int, int]] = []
    for i, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1][1] == i:
            runs[-1] = (runs[-1][0], i + 1)
        else:
            runs.append((i, i + 1))
    return runs


def _room(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = (high - low) * 0.15 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _axis(values: Sequence[float], most: float) -> tuple[float, float]:
    """Return the ends of an axis that holds the values with some room, up to `most`, with its rules at round numbers."""
    low, high = _room(values)
    step = round_up((high - low) / _RULES)
    bottom = floor(low / step) * step
    while bottom + _RULES * step < max(values, default=1.0):
        step = round_up(step * 1.01)
        bottom = floor(low / step) * step
    bottom = min(max(bottom, 0.0) if min(values, default=0.0) >= 0 else bottom, most - _RULES * step)
    return bottom, bottom + _RULES * step


def lane(start: int, length: int, whole: int, kind: str, first: int | None = None) -> Markup:
    """One bar on the time axis of a trace, in nanoseconds; `first` marks the first event in it."""
    scale = 1000 / max(whole, 1)
    x = min(max(start, 0) * scale, 994)
    width = max(min(length * scale, 1000 - x), 6)
    parts = [f'<rect class="{kind}" x="{x:.1f}" y="0" width="{width:.1f}" height="10"/>']
    if first is not None:
        parts.append(f'<path class="first" d="M{min((start + first) * scale, 999):.1f} 0v10"/>')
    head = '<svg class="lane" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - numbers and our own class names


def whisker(gap: Interval, kind: str, *, margin: float = 0.0, up: bool = True) -> Markup:
    """A difference with its interval, 0 in the middle, beside the same numbers in a table; the margin is a dashed line.

    Each is drawn to its own scale: what counts is on which side of 0 it lies. An end that is infinite leaves the plot.
    """
    if gap.value is None:
        return Markup("")
    known = [abs(each) for each in (gap.low, gap.value, gap.high, margin) if isfinite(each)]
    reach = (max(known) or 1.0) * 1.1
    low, value, high = (500 + min(max(each / reach, -1.0), 1.0) * 500 for each in (gap.low, gap.value, gap.high))
    parts = ['<path class="rule" d="M500 0v20"/>']
    if margin:
        parts.append(f'<path class="mark" d="M{500 - (1 if up else -1) * margin / reach * 500:.1f} 0v20"/>')
    parts.append(f'<rect class="{kind}" x="{low:.1f}" y="8" width="{max(high - low, 4):.1f}" height="4"/>')
    parts.append(f'<rect class="{kind}" x="{min(max(value - 5, 0), 990):.1f}" y="3" width="10" height="14"/>')
    head = '<svg class="lane whisker" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - numbers and our own class names


def believed(bins: Sequence[tuple[str, float, Interval]], title: str, say: Say) -> Markup:
    """What was said against what was so, both 0 to 1: for each bin the share with its interval, and a line where it should be.

    Args:
        bins: what each is called, the mean of what was said, and the share that was so.
        title: for who does not see it.
        say: how a share reads.

    """
    parts: list[str] = []
    for i, (_, said, so) in enumerate(bins):
        parts += [
            f'<path class="bound" d="M{i + 0.5} {100 - so.high * 100:.2f}V{100 - so.low * 100:.2f}"/>',
            f'<path class="target" d="M{i + 0.2} {100 - said * 100:.2f}H{i + 0.8}"/>',
            f'<path class="p50 dot" d="M{i + 0.5} {100 - (so.value or 0.0) * 100:.2f}h0"/>',
        ]
    slots = [Slot(name=name) for name, _, _ in bins]
    hits = "".join(
        _column(i, slot, [f"said {say(said)}, so {say(so.value or 0.0)}"])
        for i, (slot, (_, said, so)) in enumerate(zip(slots, bins, strict=True))
    )
    return _frame(slots, parts, hits, [say(number / _RULES) for number in range(_RULES, -1, -1)], title)


def share(value: float, most: float, kind: str = "ok") -> Markup:
    """A small bar beside a number in a table: how it compares with the largest one."""
    return lane(0, int(value * 1000), max(int(most * 1000), 1), kind)


def round_up(value: float) -> float:
    """Return the next round number at or above a value, for the top of an axis; 1 when there is nothing."""
    if value <= 0:
        return 1.0
    size = 10.0 ** int(log10(value) - (value < 1))
    for factor in (1, 2, 3, 4, 6, 8, 10):
        if value <= factor * size * 1.0000001:
            return float(factor * size)
    return float(value)


def _plot(
    slots: Sequence[Slot],
    series: Sequence[Series],
    shapes: Sequence[str],
    top: float,
    title: str,
    say: Say,
    marks: Sequence[Mark] = (),
) -> Markup:
    told = [[f"{each.name} {say(value)}" for each in series if (value := each.values[i])] for i in range(len(slots))]
    for mark in marks:
        told[mark.place].append(mark.name)
    hits = "".join(_column(i, slot, told[i]) for i, slot in enumerate(slots))
    return _frame(slots, shapes, hits, [say(top * number / _RULES) for number in range(_RULES, -1, -1)], title)


def _frame(slots: Sequence[Slot], shapes: Sequence[str], hits: str, axis: Sequence[str], title: str) -> Markup:
    """The plot's frame: rules, the scale beside it, and the times below."""
    width = max(len(slots), 1)
    rules = "".join(f'<path class="rule" d="M0 {100 * number / _RULES:g}H{width}"/>' for number in range(1, _RULES))
    scale = "".join(f"<span>{escape(said)}</span>" for said in axis)
    columns = next((number for number in _COLUMNS if len(slots) % number == 0), 1)
    every = max(len(slots) // columns, 1)
    names = "".join(f"<span>{escape(slot.name)}</span>" for slot in slots[::every])
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<div class="plot" role="group" aria-label="{escape(title)}"><div class="scale" aria-hidden="true">{scale}</div>'
        f'<svg viewBox="0 0 {width} 100" preserveAspectRatio="none" aria-hidden="true">'
        f"{rules}{''.join(shapes)}{hits}</svg>"
        f'<div class="times" aria-hidden="true">{names}</div></div>'
    )


def _column(place: int, slot: Slot, told: Sequence[str]) -> str:
    """An invisible column over a slot that tells its numbers; a click on it lists its traces."""
    rect = (
        f'<rect class="hit" x="{place}" y="0" width="1" height="100">'
        f"<title>{escape(chr(10).join([slot.name, *told]))}</title></rect>"
    )
    # Not a stop on the way of the Tab key: the table of the same numbers has these links as well.
    return f'<a href="{escape(slot.link)}" tabindex="-1">{rect}</a>' if slot.link else rect
