"""An `[evaluate.NAME]` table: which cases, judged by what, and what the figures must be."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from msgspec import Meta

from rowen.config import Duration, Table
from rowen.evaluate.files import Read
from rowen.evaluate.run.judges import ScorerTable
from rowen.evaluate.run.must import Must, must_of
from rowen.values import Settings

Undecided = Literal["value", "fail", "pass"]
"""What decides where the cases are too few for an interval to: the value itself, or nothing at all."""


class EvaluateTable(Settings, frozen=True, kw_only=True):
    """One suite: cases to try the app on, before it is let out."""

    cases: str
    """A file beside this one, or `dataset:NAME`, or `dataset:NAME@VERSION` for a version for ever."""
    shape: Read = "auto"
    """What the file is; `auto` tells by its ending and by what stands in it."""
    must: dict[str, str] = {}
    """What a metric must be: `{ grounded = ">= 0.9", error_rate = "< 0.01", "right^3" = ">= 0.8" }`."""
    undecided: Undecided = "value"
    """What a `must` says where its interval lies on both sides: `value` lets the mean decide, `fail` and `pass` do not ask."""
    scorers: tuple[str, ...] = ()
    """Which judge: names of `[[score]]` tables, of this suite's own, or kinds; default: all of them, and what `must` names."""
    score: tuple[ScorerTable, ...] = ()
    """Scorers of this suite alone."""
    trials: Annotated[int, Meta(ge=1, le=1000)] = 1
    """How often each case is tried."""
    concurrency: Annotated[int, Meta(ge=1, le=1000)] = 8
    """Cases that are tried at the same time."""
    budget: str = ""
    """US dollars that a run may cost, as a text; it stops before it would cost more."""
    seed: int | None = None
    """Sent to the model for the first trial, one more for each next one; without it none is."""
    params: dict[str, Any] = {}
    """Fields of the request, such as `temperature`."""
    slices: tuple[str, ...] = ()
    """What the figures are cut by: `language`, `length`, or names in the metadata; default: those that have few values."""
    group: str = ""
    """What makes cases alike: `user`, `session`, `document`, or a name in the metadata; default: whichever the cases have."""
    groups: tuple[str, ...] = ()
    """Whose documents the app may read for the cases, beside those of everybody."""
    cache: bool = False
    """Whether the app's own caches may answer."""
    every: Duration = 0
    """How often a server runs it by itself, such as `1d`; 0 leaves it to people."""
    alert: Literal["page", "ticket", "off"] = "ticket"
    """What is opened while runs that came by themselves miss a `must`, or cannot be done."""
    timeout: Duration = 600
    """How long a case may take."""

    def __post_init__(self) -> None:
        """Hold the table against its rules.

        Raises:
            ValueError: with a sentence that says which.

        """
        musts(self.must)
        if self.budget:
            dollars(self.budget)


TABLES: dict[str, Table] = {"evaluate": Table(kind=dict[str, EvaluateTable], default={})}


def musts(written: dict[str, str]) -> list[Must]:
    """Return what metrics must be.

    Raises:
        ValueError: with a sentence that says which is none.

    """
    return [must_of(metric, text) for metric, text in written.items()]


def dollars(text: str) -> Decimal:
    """Return an amount of US dollars.

    Raises:
        ValueError: it is none.

    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not (amount.is_finite() and amount > 0):
        raise ValueError(f"{text!r} is no amount of US dollars")
    return amount


def needed(musts: Sequence[Must]) -> list[str]:
    """Return the metrics that scorers must give."""
    return [each.base for each in musts]
