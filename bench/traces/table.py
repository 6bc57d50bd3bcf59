"""The table: a row a figure, with its goal, what Rowen did, and how many times more the others took."""

from collections.abc import Mapping
from typing import NamedTuple


class Row(NamedTuple):
    """One figure; less is better."""

    title: str
    figure: str
    unit: str
    goal: float | None = None
    digits: int = 0


ROWS = (
    Row("CPU per span, HTTP door to queryable", "cpu_us", "µs", 300),
    Row("Spans a second, four senders", "spans_s", "1/s"),
    Row("From the last answer until all is there", "late_s", "s", None, 1),
    Row("Start, CPU", "start_cpu", "s", 2, 2),
    Row("Start until ready", "start_wall", "s", None, 2),
    Row("Memory after the start (PSS)", "start_mib", "MiB", 150),
    Row("Processes", "processes", "", 1),
    Row("Peak memory under load (PSS)", "peak_mib", "MiB", 300),
    Row("Disk per 1,000 spans", "disk_mib", "MiB", 1.3, 2),
    Row("List of 50 traces", "list_ms", "ms", 50, 1),
    Row("The same, CPU", "list_cpu", "ms", None, 1),
    Row("The same, the whole page", "page_list_ms", "ms", None, 1),
    Row("Filter on a common model", "model_ms", "ms", 100, 1),
    Row("The same, CPU", "model_cpu", "ms", None, 1),
    Row("Filter on a rare model", "rare_model_ms", "ms", 100, 1),
    Row("The same for a common one, the whole page", "page_model_ms", "ms", None, 1),
    Row("Text search, a word that all traces have", "common_ms", "ms", 50, 1),
    Row("The same, CPU", "common_cpu", "ms", None, 1),
    Row("Text search, a word that none has", "absent_ms", "ms", 50, 1),
    Row("The same, CPU", "absent_cpu", "ms", None, 1),
    Row("A large trace: spans in it", "large_spans", ""),
    Row("A large trace: CPU per span", "large_cpu_us", "µs", 300),
    Row("A large trace: opens", "open_ms", "ms", 1000),
    Row("A large trace: opens, CPU", "open_cpu", "ms", None, 0),
    Row("A large trace: from its 1,000th span on", "open_deep_ms", "ms", 1000),
    Row("A large trace: first payload", "open_kib", "KiB", 1024),
    Row("Kills in mid-load", "kills", ""),
    Row("Spans that it had acknowledged", "killed_sent", ""),
    Row("Of these lost", "killed_lost", "", 0),
    Row("Of these lost, in a hundred", "killed_lost_pct", "%", 0, 1),
)
_BARE = {"spans_s", "large_spans", "kills", "killed_sent", "killed_lost", "killed_lost_pct", "processes", "late_s"}
"""Figures without a ratio."""


def printed(figures: Mapping[str, Mapping[str, float]], titles: Mapping[str, str], *, ours: str = "rowen") -> str:
    """Return the table as Markdown."""
    there = [name for name in titles if name in figures]
    lines = ["| figure | goal | " + " | ".join(titles[name] for name in there) + " |"]
    lines.append("|---|---|" + "---|" * len(there))
    for row in ROWS:
        if any(row.figure in figures[name] for name in there):
            own = figures.get(ours, {}).get(row.figure)
            cells = [
                _own(row, own) if name == ours else _other(row, figures[name].get(row.figure), own) for name in there
            ]
            goal = "" if row.goal is None else "none" if row.goal == 0 else f"≤ {row.goal:g}"
            title = f"{row.title}, {row.unit}" if row.unit else row.title
            lines.append(f"| {title} | {goal} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _own(row: Row, value: float | None) -> str:
    if value is None:
        return "–"
    text = f"{value:,.{row.digits}f}"
    if row.goal is None:
        return text
    return f"**{text}**" if value <= row.goal else f"{text} (missed)"


def _other(row: Row, value: float | None, own: float | None) -> str:
    if value is None:
        return "–"
    text = f"{value:,.{row.digits}f}"
    if row.figure not in _BARE and own:
        times = value / own
        text += f" ({times:,.0f}×)" if times >= 10 else f" ({times:.1f}×)"
    return text
