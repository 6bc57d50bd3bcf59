"""Charts as SVG drawn on the server: no script, no layout shift, and the same numbers in a table beside them.

Attributes only, no `style`: the content policy forbids inline style.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, log10

from markupsafe import Markup

WIDTH, HEIGHT = 640, 190
LEFT, RIGHT, TOP, BOTTOM = 48, 6, 10, 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line or one layer of bars: its class in the stylesheet, what it is called, and a value per bucket."""

    kind: str
    name: str
    values: Sequence[float | None]


def bars(labels: Sequence[str], layers: Sequence[Series], title: str, unit: str = "") -> Markup:
    """Stacked bars, the first layer at the bottom."""
    sums = [sum(layer.values[i] or 0 for layer in layers) for i in range(len(labels))]
    top = _round_up(max(sums, default=0))
    parts = _frame(labels, top, unit)
    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    width = max(step - max(step * 0.18, 1), 0.8)
    for i in range(len(labels)):
        y = float(HEIGHT - BOTTOM)
        for layer in layers:
            value = layer.values[i] or 0
            height = value / top * (HEIGHT - TOP - BOTTOM)
            if height <= 0:
                continue
            y -= height
            tip = escape(f"{labels[i]}: {layer.name} {_short(value)}{unit}")
            parts.append(
                f'<rect class="{layer.kind}" x="{LEFT + i * step:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
                f'rx="1"><title>{tip}</title></rect>'
            )
    return _whole(parts, title)


def curves(labels: Sequence[str], series: Sequence[Series], title: str, unit: str = "") -> Markup:
    """Lines with gaps where there is no value."""
    top = _round_up(max((value for each in series for value in each.values if value is not None), default=0))
    parts = _frame(labels, top, unit)
    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    for each in series:
        run: list[str] = []
        for i, value in enumerate((*each.values, None)):
            if value is not None:
                y = HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)
                run.append(f"{LEFT + (i + 0.5) * step:.1f},{y:.1f}")
                continue
            if len(run) == 1:
                x, y_ = run[0].split(",")
                parts.append(f'<circle class="{each.kind}" cx="{x}" cy="{y_}" r="2.5"/>')
            elif run:
                parts.append(f'<polyline class="{each.kind}" points="{" ".join(run)}"/>')
            run = []
    return _whole(parts, title)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One span in a waterfall, in nanoseconds from the start of the trace."""

    name: str
    kind: str
    start: int
    length: int
    depth: int
    note: str


def waterfall(spans: Sequence[Bar], whole: int) -> Markup:
    """Spans under one another on a common time axis."""
    row, left = 26, 236
    width, height = 960, row * len(spans) + 22
    scale = (width - left - 96) / max(whole, 1)
    parts = [
        f'<svg class="chart waterfall" viewBox="0 0 {width} {height}" role="img" aria-label="Waterfall of {len(spans)} spans">'
    ]
    for number in range(5):
        x = left + (width - left - 96) * number / 4
        parts.append(f'<line class="rule" x1="{x:.1f}" y1="18" x2="{x:.1f}" y2="{height}"/>')
        parts.append(f'<text class="soft" x="{x:.1f}" y="11" text-anchor="middle">{_ms(whole * number / 4)}</text>')
    for i, span in enumerate(spans):
        y = 22 + i * row
        x = left + max(span.start, 0) * scale
        length = max(span.length * scale, 2)
        if i % 2:
            parts.append(f'<rect class="band" x="0" y="{y - 3}" width="{width}" height="{row}"/>')
        name = span.name if len(span.name) < 30 else span.name[:28] + "…"
        parts.append(f'<text x="{4 + span.depth * 14}" y="{y + 14}">{escape(name)}</text>')
        parts.append(
            f'<rect class="{span.kind}" x="{x:.1f}" y="{y + 3}" width="{length:.1f}" height="14" rx="3">'
            f"<title>{escape(span.name)}: {_ms(span.length)} {escape(span.note)}</title></rect>"
        )
        parts.append(
            f'<text class="soft" x="{min(x + length + 6, width - 66):.1f}" y="{y + 14}">{_ms(span.length)}</text>'
        )
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704 - every text in it is escaped above


def _frame(labels: Sequence[str], top: float, unit: str) -> list[str]:
    parts: list[str] = []
    for number in range(5):
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * number / 4
        parts.append(f'<line class="rule" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(top * number / 4)}{escape(unit)}</text>'
        )
    every = max(1, ceil(len(labels) / 6))
    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    parts.extend(
        f'<text x="{LEFT + (i + 0.5) * step:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(labels[i])}</text>'
        for i in range(every // 2, len(labels), every)
    )
    return parts


def _whole(parts: list[str], title: str) -> Markup:
    head = f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - every text in it is escaped above


def _round_up(value: float) -> float:
    """Return the next round number at or above a value, for the top of an axis; 1 when there is nothing."""
    if value <= 0:
        return 1.0
    size = 10 ** int(log10(value) - (value < 1))
    for factor in (1, 2, 2.5, 4, 5, 8, 10):
        if value <= factor * size * 1.0000001:
            return float(factor * size)
    return float(value)


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _ms(ns: float) -> str:
    ms = ns / 1e6
    return f"{ms:.2f} ms" if ms < 10 else f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.2f} s"
