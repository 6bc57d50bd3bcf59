"""What can be counted: the list of SLIs, and what one event of each is."""

from typing import Literal

from rowen.values import CODES, Score, TraceRow, Value

Source = Literal["trace", "score", "both", "probe", "reported"]


class Sli(Value, frozen=True, kw_only=True):
    """One thing that can be counted."""

    about: str
    source: Source
    aggregate: Literal["share", "mean", "peak", "value", "nps"] = "share"
    score: str = ""
    """The score it reads, unless the table names another."""
    latency: bool = False
    """Whether it must say which time it means."""
    least: float | None = None
    """The number from which a score is good, unless the table says otherwise."""


SLIS: dict[str, Sli] = {
    "availability": Sli(
        about="Calls that did not end in a failure of ours; a fallback's answer is good.", source="trace"
    ),
    "errors": Sli(about="The same, with the target a ceiling for what failed: `< 0.1%`.", source="trace"),
    "interactions": Sli(
        about="Traces whose end was good for the user: no failure, no block by a guard, no empty answer.",
        source="trace",
    ),
    "answered": Sli(about="Calls that got an answer with something in it, whoever was at fault.", source="trace"),
    "latency": Sli(about="Time, of the kind that `latency` names.", source="trace", latency=True),
    "cost": Sli(about="US dollars of a call; calls without a known price are left out.", source="trace"),
    "abandonment": Sli(about="Calls that the user did not wait for; the target is a ceiling.", source="trace"),
    "throughput": Sli(about="Calls a second in the busiest minute.", source="trace", aggregate="peak"),
    "regeneration_free": Sli(
        about="Traces whose answer nobody asked for again.", source="both", score="regenerate", least=0.5
    ),
    "uptime": Sli(about="Minutes in which the server was there and ready, one probe a minute.", source="probe"),
    "score": Sli(about="A score, good from `at_least` or up to `at_most`.", source="score", least=0.5),
    "thumbs": Sli(about="Thumbs that are not down.", source="score", score="thumbs", least=0.5),
    "csat": Sli(about="Satisfied answers to a survey: 4 and 5 of 5.", source="score", score="csat", least=4),
    "nps": Sli(
        about="Net promoter score, -100 to 100: share of 9 and 10 less share of 0 to 6.",
        source="score",
        score="nps",
        aggregate="nps",
    ),
    "valid": Sli(about="Answers that fit their schema.", source="score", score="schema_valid", least=0.5),
    "reported": Sli(about="Figures that somebody hands in under `measure`.", source="reported"),
}
"""Every SLI by name. Any other name in `sli` is the name of a score."""


class Event(Value, frozen=True, kw_only=True):
    """One event: whether it was good, its number where it has one, and what kind of error it was."""

    good: bool
    number: float | None = None
    part: str = ""


def failed(row: TraceRow) -> bool:
    """Whether a call ended in a failure of ours: what HTTP says with 500 and above, or a root span in error."""
    if row.status != "failed":
        return False
    known = CODES.get(row.code)
    return known is None or known.status >= 500


def error_class(row: TraceRow) -> str:
    """Return what kind of error a call ended in."""
    code = row.code
    if code.startswith(("upstream_", "no_route")):
        return "provider"
    if code.startswith(("limit_", "overloaded", "shutting_down")):
        return "capacity"
    if code.startswith("guard"):
        return "security"
    if code.startswith("store_"):
        return "hardware"
    if code in CODES and CODES[code].status < 500:
        return "user_error"
    return "software"


def empty(row: TraceRow) -> bool:
    """Whether a call that ended well said nothing. What a policy keeps out of the trace has tokens all the same."""
    return row.status == "ok" and row.origin == "call" and not row.said and not row.output_tokens


def seconds_of(row: TraceRow, latency: str) -> float | None:
    """Return the time of a kind that stands in the row of a trace; None when this call has none."""
    match latency:
        case "first_token":
            return None if row.first_ns is None else row.first_ns / 1e9
        case "total":
            return row.duration_ns / 1e9
        case "cache_hit":
            return row.duration_ns / 1e9 if row.source == "cache" else None
        case _:
            return None


def bounded(number: float, *, within: float | None, least: float | None, most: float | None) -> bool:
    """Whether a number is good."""
    return (
        (within is None or number <= within) and (least is None or number >= least) and (most is None or number <= most)
    )


def number_of(score: Score) -> float | None:
    """Return the number of a score that can be counted."""
    if score.number is not None:
        return float(score.number)
    if isinstance(score.value, bool | int | float):
        return float(score.value)
    return None
