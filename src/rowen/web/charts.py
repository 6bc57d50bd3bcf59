"""Charts drawn on the server: SVG for the shapes, HTML for the words, so that words keep their size on any screen.

No script and no layout shift; the same numbers stand in a table beside them, which is what a screen reader gets.
Attributes only, no `style`: the content policy forbids inline style.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

from markupsafe import Markup

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


def bars(slots: Sequence[Slot], layers: Sequence[Series], title: str, say: Say) -> Markup:
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
    return _plot(slots, layers, parts, top, title, say)


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
    slots: Sequence[Slot], series: Sequence[Series], shapes: Sequence[str], top: float, title: str, say: Say
) -> Markup:
    width = max(len(slots), 1)
    rules = "".join(f'<path class="rule" d="M0 {100 * number / _RULES:g}H{width}"/>' for number in range(1, _RULES))
    hits = "".join(_hit(i, slot, series, say) for i, slot in enumerate(slots))
    scale = "".join(f"<span>{escape(say(top * number / _RULES))}</span>" for number in range(_RULES, -1, -1))
    columns = next((number for number in _COLUMNS if len(slots) % number == 0), 1)
    every = max(len(slots) // columns, 1)
    names = "".join(f"<span>{escape(slot.name)}</span>" for slot in slots[::every])
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<div class="plot" role="group" aria-label="{escape(title)}"><div class="scale" aria-hidden="true">{scale}</div>'
        f'<svg viewBox="0 0 {width} 100" preserveAspectRatio="none" aria-hidden="true">'
        f"{rules}{''.join(shapes)}{hits}</svg>"
        f'<div class="times" aria-hidden="true">{names}</div></div>'
    )


def _hit(place: int, slot: Slot, series: Sequence[Series], say: Say) -> str:
    """An invisible column over a slot that tells its numbers; a click on it lists its traces."""
    told = [slot.name]
    told += [f"{each.name} {say(value)}" for each in series if (value := each.values[place])]
    rect = (
        f'<rect class="hit" x="{place}" y="0" width="1" height="100"><title>{escape(chr(10).join(told))}</title></rect>'
    )
    # Not a stop on the way of the Tab key: the table of the same numbers has these links as well.
    return f'<a href="{escape(slot.link)}" tabindex="-1">{rect}</a>' if slot.link else rect
