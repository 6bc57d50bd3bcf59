"""The table: a row a figure, with its goal, what Rowen did, and how many times more the others took."""

from collections.abc import Mapping
from dataclasses import dataclass

Figures = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure. `less` figures are better when smaller, and only those have a ratio."""

    title: str
    figure: str
    unit: str
    goal: float | None = None
    ratio: bool = True
    digits: int = 0
    at_least: bool = False


ROWS = (
    Row(title="CPU per call", figure="cpu_call", unit="µs", goal=330),
    Row(title="CPU per stream of 100 chunks, burst", figure="cpu_stream", unit="µs", goal=1500),
    Row(title="CPU per stream of 100 chunks, 50 a second", figure="cpu_paced", unit="µs"),
    Row(title="CPU per cache hit", figure="cpu_hit", unit="µs", goal=250),
    Row(title="CPU per streamed cache hit", figure="cpu_stream_hit", unit="µs"),
    Row(title="Added latency, one connection, p50", figure="added_total_p50", unit="ms", goal=0.6, digits=2),
    Row(title="Added latency, one connection, p99", figure="added_total_p99", unit="ms", goal=4, digits=2),
    Row(title="Added time to first token, p50", figure="added_first_p50", unit="ms", goal=1, digits=2),
    Row(title="512 streams: largest gap", figure="many_largest", unit="ms", goal=100),
    Row(title="512 streams: gaps over 100 ms", figure="many_stalls", unit="%", ratio=False, digits=3, goal=0),
    Row(title="512 streams: streams with a stall", figure="many_stalled", unit="%", ratio=False, digits=1, goal=0),
    Row(title="512 streams: CPU per stream", figure="cpu_many", unit="µs"),
    Row(title="Memory, idle (PSS)", figure="idle_pss", unit="MB", goal=100),
    Row(title="Memory, idle (RSS)", figure="idle_rss", unit="MB"),
    Row(title="CPU, idle", figure="idle_cpu", unit="ms a second", digits=1),
    Row(title="Memory per idle stream (PSS)", figure="stream_pss", unit="KiB", goal=20, digits=1),
    Row(title="Cold start to the first answer", figure="cold_wall", unit="s", goal=1.5, digits=2),
    Row(title="Cold start, CPU", figure="cold_cpu", unit="s", digits=2),
    Row(
        title="1 → 2 workers: calls per CPU second",
        figure="scaling",
        unit="×",
        goal=1.8,
        digits=2,
        at_least=True,
        ratio=False,
    ),
)


def printed(figures: Figures, titles: Mapping[str, str], *, ours: str = "rowen") -> str:
    """Return the table as Markdown."""
    peers = [name for name in titles if name != ours and name in figures]
    shown = [row for row in ROWS if any(row.figure in each for each in figures.values())]
    lines = ["| figure | goal | " + " | ".join(titles[name] for name in [ours, *peers]) + " |"]
    lines.append("|---|---|" + "---|" * (1 + len(peers)))
    for row in shown:
        own = figures.get(ours, {}).get(row.figure)
        cells = [_own(row, own)] + [_other(row, figures[name].get(row.figure), own) for name in peers]
        lines.append(f"| {row.title}, {row.unit} | {_goal(row)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _goal(row: Row) -> str:
    if row.goal is None:
        return ""
    if row.goal == 0:
        return "none"
    return f"{'≥' if row.at_least else '≤'} {row.goal:g}"


def _own(row: Row, value: float | None) -> str:
    if value is None:
        return "–"
    text = f"{value:,.{row.digits}f}"
    if row.goal is None:
        return text
    met = value >= row.goal if row.at_least else value <= row.goal
    return f"**{text}**" if met else f"{text} (missed)"


def _other(row: Row, value: float | None, own: float | None) -> str:
    if value is None:
        return "–"
    text = f"{value:,.{row.digits}f}"
    if row.ratio and own and own > 0 and value > 0:
        times = value / own
        text += f" ({times:.0f}×)" if times >= 10 else f" ({times:.1f}×)"
    return text
