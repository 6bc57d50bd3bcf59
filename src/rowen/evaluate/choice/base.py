"""Which model was chosen and why: what is known of each candidate, what was measured, and the reasons of whoever chose."""

from datetime import date, timedelta
from typing import Literal

from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Mistaken, Settings, Value
from rowen.values.interval import Interval

Task = Literal[
    "generation",
    "complex questions",
    "conversation",
    "summaries",
    "translation",
    "classification",
    "extraction",
    "code",
]
Adapting = Literal["fine-tune", "lora", "system prompt", "few-shot", "tools", "structured output", "weights"]

WARN_DAYS = 90
"""Days before a model is switched off from which on it is warned of."""


class CatalogueTable(Settings, frozen=True, kw_only=True):
    """What is known of a model beside what it does: who answers for it, what it learnt from, until when it is there."""

    tasks: tuple[Task, ...] = ()
    """What it is meant for."""
    licence: str = ""
    """Under which terms it may be used."""
    training: str = ""
    """What is known of what it was trained on, or that nothing is."""
    biases: str = ""
    """What its makers or a run of `rowen robust` say of its biases, or that nothing is known."""
    adapting: tuple[Adapting, ...] = ()
    """How it can be adapted."""
    vendor: str = ""
    """Who makes or serves it."""
    support: str = ""
    """Where help comes from, and how soon."""
    sla: str = ""
    """What the vendor promises."""
    status_page: str = ""
    """Where the vendor says whether it works."""
    api_version: str = ""
    """Which version of the vendor's API is used."""
    effort: str = ""
    """What it takes to run or integrate it."""
    deprecated: date | None = None
    """The day from which on it is not there any more."""
    warn_days: int = WARN_DAYS
    """How many days before that day it is warned of."""
    approved: bool = False
    """Whether it may be used; needs licence, training, biases and support to be written."""

    def __post_init__(self) -> None:
        """Hold an approval against what must be known for it.

        Raises:
            ValueError: with a sentence that names what is lacking.

        """
        missing = [name for name in ("licence", "training", "biases", "support") if not getattr(self, name).strip()]
        if self.approved and missing:
            raise ValueError(f"an approved model needs {', '.join(missing)}, be it that nothing is known")

    def warning(self, today: date) -> str:
        """Return what to say of its end; empty while that is far."""
        if self.deprecated is None or today < self.deprecated - timedelta(days=self.warn_days):
            return ""
        if today >= self.deprecated:
            return f"it was to be switched off on {self.deprecated}"
        return f"it is switched off on {self.deprecated}, in {(self.deprecated - today).days} days"


class Candidate(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One candidate as it was measured."""

    run: str
    name: str
    model: str = ""
    """Its name in the catalogue; empty where it stands in none."""
    quality: Interval
    """The metric that decides."""
    cost: Interval
    """US dollars of one answer; without a value where no price is known."""
    p95: Interval
    """Milliseconds that 19 of 20 answers took at most."""
    failed: Interval
    dominated: tuple[str, ...] = ()
    """Candidates that are no worse in quality, cost and latency and better in one, by their estimates."""
    surely: bool = False
    """Whether one of them is significantly better in one and significantly worse in none, by paired intervals."""
    catalogue: CatalogueTable | None = None
    warnings: tuple[str, ...] = ()


class Best(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Who is best at one task."""

    by: str
    value: str
    n: int
    ranking: tuple[tuple[str, float], ...]
    """Runs with their means, the best first."""
    q: float
    """Whether the first leads the second, corrected for all tasks (Benjamini & Hochberg)."""


class Choice(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A report on candidates, kept with what was decided."""

    id: str
    tenant: str = "default"
    app: str = ""
    metric: str
    higher_is_better: bool
    pairs: int
    candidates: tuple[Candidate, ...]
    tasks: tuple[Best, ...] = ()
    chosen: str = ""
    """The run that was chosen; empty while nothing is."""
    rationale: str = ""
    """Why, in the words of whoever chose."""
    by: str = ""
    made_ns: int = 0

    @property
    def front(self) -> tuple[str, ...]:
        """The candidates that none dominates."""
        return tuple(each.run for each in self.candidates if not each.dominated)

    def decided(self, chosen: str, rationale: str, by: str) -> "Choice":
        """Return the report with what was decided.

        Raises:
            Mistaken: `field_invalid` for a run that is no candidate.

        """
        runs = [each.run for each in self.candidates]
        if chosen not in runs:
            message = f"{chosen!r} is no candidate; there are {', '.join(runs)}"
            raise Mistaken("field_invalid", message, place="chosen")
        return self.but(chosen=chosen, rationale=rationale, by=by)

    @staticmethod
    def shelf(records: Records) -> "Shelf[Choice]":
        """Return where they stand."""
        return Shelf(
            records,
            "model_choice",
            Choice,
            lambda one: Record(kind="", id=one.id, tenant=one.tenant, app=one.app, at_ns=one.made_ns),
            packed=True,  # equal costs have an interval without an end
        )
