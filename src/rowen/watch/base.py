"""What is promised, and how it is written: objectives, agreements with customers, and indicators of success.

An *SLI* says what is counted (`watch/sli.py` lists them). An *SLO* is our own target for it. An *SLA* is what a customer
was promised, with an owner and a remedy. A *KPI* says whether the product succeeds. Each is a table of `app.toml`; a
table is a frozen value, equal by content.
"""

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from typing import Literal

from rowen.config import Duration
from rowen.values import Settings, Value
from rowen.watch.bound import Bound, bound
from rowen.watch.sli import SLIS, Sli
from rowen.watch.window import Window, window

Goal = Literal["", "safety", "security", "scalability", "robustness", "reliability"]
"""What an objective serves. The sources name four goals and call one of them by two names; all five are kept."""
GOALS: tuple[Goal, ...] = ("safety", "security", "scalability", "robustness", "reliability")

Latency = Literal[
    "", "first_token", "total", "gateway_overhead", "cache_hit", "retrieval", "guard", "tool", "page_load", "login"
]
"""Which time is meant. A whole answer of a large model, its first token and a look into the cache differ a hundredfold."""

Scale = Literal["", "nps", "rating_0_10", "csat", "stars", "share", "probability", "seconds", "usd"]
"""What the numbers mean: NPS goes from -100 to 100, a rating from 0 to 10."""

Class = Literal[
    "",
    "software",
    "hardware",
    "provider",
    "data_quality",
    "privacy",
    "user_error",
    "evaluation",
    "security",
    "capacity",
]
"""What kind of error an objective or an incident is about."""

Aggregate = Literal["", "share", "mean", "peak", "value", "nps"]


class Measured(Settings, frozen=True, kw_only=True):
    """What an objective and an agreement have in common: what is counted, and how much of it must be good."""

    about: str = ""
    """One sentence for people."""
    sli: str = ""
    """What is counted: a name of the [list](../how-to/objectives.md), or the name of a score."""
    latency: Latency = ""
    """Which time an SLI of latency means."""
    scale: Scale = ""
    """What the numbers of a score or survey mean."""
    score: str = ""
    """The score that is meant, where `sli` is `score`, or the survey has a name of its own."""
    source: Literal["", "rule", "model", "person", "user", "guard"] = ""
    """Only scores of this source. For `model` and `rule`, scores of people under the same name are labels: where there are
    ten good and ten bad ones, the figure is corrected by the judge's own error, which goes into the interval."""
    measure: str = ""
    """Where `sli` is `reported`: the name under which somebody hands in figures."""
    within: Duration | None = None
    """An event is good when it took no longer than this."""
    at_least: float | None = None
    """An event is good when its number is no less."""
    at_most: float | None = None
    """An event is good when its number is no more."""
    aggregate: Aggregate = ""
    """How events become one figure: `share` of good ones, `mean`, `peak` of a minute, last `value`, `nps`; default: the SLI's own."""
    target: float | str = ""
    """What the figure must be: `0.999`, `">= 99.9%"`, `"< 0.1%"`, `"< 100ms"`. Empty: no figure was stated."""
    window: str = "30d"
    """Over which time: the last `30d`, or a calendar `day`, `week`, `month`, `quarter`, `year` (UTC)."""
    method: Literal["occurrences", "slices"] = "occurrences"
    """Count events, or stretches of time in which enough of them were good."""
    slice: Duration = 60
    """The length of a stretch, in whole minutes."""
    slice_target: float = 0.999
    """The share of good events that makes a stretch good."""
    minimum: int = 0
    """Below so many events in the window nothing is decided: the state is `few`."""
    goal: Goal = ""
    """What it serves."""
    service: str = ""
    """Which service it is about, where an app has several."""
    model: str = ""
    """Only calls of this model."""
    feature: str = ""
    """Only calls of this feature."""
    environment: str = ""
    """Only what happened there."""

    def __post_init__(self) -> None:
        """Hold what is written against what is known.

        Raises:
            ValueError: with a sentence that names the key.

        """
        if self.sli:
            _known(self.sli)
        if self.target != "":
            bound(self.target)
        window(self.window)
        if self.slice < 60 or self.slice % 60:
            raise ValueError("`slice` is a whole number of minutes")
        if not 0 < self.slice_target <= 1:
            raise ValueError("`slice_target` is a share above 0 and up to 1")
        if self.minimum < 0:
            raise ValueError("`minimum` is not negative")

    @property
    def kind(self) -> Sli:
        """The SLI; a name that is not listed is the name of a score."""
        return SLIS.get(self.sli) or SLIS["score"]

    @property
    def score_name(self) -> str:
        """The score that is counted."""
        return self.score or (self.kind.score if self.sli in SLIS else self.sli)

    @property
    def how(self) -> Aggregate:
        """How events become one figure."""
        return self.aggregate or self.kind.aggregate

    @property
    def over(self) -> Window:
        """The window, read."""
        return window(self.window)

    @property
    def bound(self) -> Bound | None:
        """What the figure must be; None where nothing was stated."""
        return None if self.target == "" else bound(self.target)

    @property
    def allowed(self) -> tuple[Fraction, bool] | None:
        """The share of bad events that the target allows, and whether it must stay strictly below; None for no share."""
        stated = self.bound
        if stated is None or self.how != "share":
            return None
        value = Fraction(stated.value)
        # What is stated of the good ones is a floor, of the bad ones a ceiling, however the SLI is named.
        return (1 - value if stated.floor else value), stated.strict


class WatchTable(Measured, frozen=True, kw_only=True):
    """An objective: what is counted, the target, and when to wake somebody."""

    sli: str
    """What is counted: a name of the [list](../how-to/objectives.md), or the name of a score."""
    owner: str = ""
    """Who answers for it."""
    alert: bool = True
    """Whether to alert when the error budget burns too fast."""
    judged: bool | None = None
    """Alert only when the interval excludes the target; default: for scores, whose judges err."""
    budgets: dict[str, float] = {}
    """Shares of the error budget by class of error, such as `{ provider = 0.5, evaluation = 0.3 }`."""
    error_class: Class = ""
    """The class of the incidents it opens; default: that of most of the errors."""
    runbook: str = ""
    """What to do: the path of a file beside `app.toml`, or an address."""
    freeze: bool = True
    """Whether an exhausted budget stops releases."""
    status: bool = True
    """Whether the status page shows it."""

    def __post_init__(self) -> None:
        """Hold what is written against what is known."""
        super().__post_init__()
        if not self.sli:
            raise ValueError("an objective needs an `sli`: say what is counted")
        if any(share <= 0 for share in self.budgets.values()) or sum(self.budgets.values()) > 1 + 1e-9:
            raise ValueError("`budgets` are shares above 0 that come to 1 at most")

    @property
    def doubtful(self) -> bool:
        """Whether the interval decides, and not the figure alone."""
        return self.kind.source == "score" if self.judged is None else self.judged


class RemedyTable(Settings, frozen=True, kw_only=True):
    """What the customer gets when the agreement is missed by so much."""

    below: float | str
    """It holds where the figure is worse than this: `0.999` or `"99.9%"`; for a ceiling, where it is above."""
    credit: str
    """The part of the bill that is given back: `"10%"`."""

    def __post_init__(self) -> None:
        """Hold what is written against what is known."""
        bound(self.below)
        stated = bound(self.credit)
        if stated.unit != "%" or not 0 <= stated.value <= 1:
            raise ValueError('`credit` is a part of the bill, from "0%" to "100%"')

    @property
    def share(self) -> Decimal:
        """The credit as a share."""
        return bound(self.credit).value


class SlaTable(Measured, frozen=True, kw_only=True):
    """An agreement with a customer: what was promised, who answers for it, and the remedy."""

    customer: str
    """Whom it was promised to."""
    owner: str
    """Who answers for it: a mail address."""
    tenant: str = ""
    """The customer's tenant, when only their calls count."""
    slo: str = ""
    """The objective of `[watch]` that stands before it; where `sli` is empty, that one's SLI is counted."""
    remedy: tuple[RemedyTable, ...] = ()
    """What is given back, by how far it was missed; the largest credit that applies."""

    def __post_init__(self) -> None:
        """Hold what is written against what is known."""
        super().__post_init__()
        if not self.owner.strip():
            raise ValueError("an agreement needs an `owner`: say who answers for it")
        if not self.customer.strip():
            raise ValueError("an agreement needs a `customer`")
        if not self.sli and not self.slo:
            raise ValueError("an agreement needs an `sli`, or an `slo` that has one")


class KpiTable(Settings, frozen=True, kw_only=True):
    """An indicator of success: what is asked, which way is better, and the objectives that should move it."""

    about: str = ""
    """One sentence for people."""
    query: str
    """What is asked: a name of the [list](../how-to/objectives.md), `score:NAME` or `reported:NAME`."""
    direction: Literal["up", "down"] = "up"
    """Which way is better."""
    target: float | str = ""
    """What it should be: `">= 90%"`."""
    window: str = "30d"
    """Over which time."""
    scale: Scale = ""
    """What the numbers mean."""
    slo: tuple[str, ...] = ()
    """The objectives of `[watch]` that should move it."""
    score: str = ""
    """The automatic score whose correlation with it is measured; default: that of its objectives."""
    owner: str = ""
    """Who answers for it."""
    goal: Goal = ""
    """What it serves."""
    group: str = ""
    """What it is shown under, such as `cost`."""

    def __post_init__(self) -> None:
        """Hold what is written against what is known."""
        if not self.query.strip():
            raise ValueError("an indicator needs a `query`: say what is asked")
        if self.target != "":
            bound(self.target)
        window(self.window)


class Objectives(Value, frozen=True, kw_only=True):
    """All that is promised of one app."""

    app: str = ""
    watch: dict[str, WatchTable] = {}
    sla: dict[str, SlaTable] = {}
    kpi: dict[str, KpiTable] = {}

    def counted(self) -> Mapping[str, Measured]:
        """Return what is counted by id: `slo/NAME` and `sla/NAME`. An agreement without an SLI has its objective's."""
        found: dict[str, Measured] = {f"slo/{name}": table for name, table in self.watch.items()}
        for name, table in self.sla.items():
            found[f"sla/{name}"] = self.whole(table)
        return found

    def whole(self, table: SlaTable) -> SlaTable:
        """Return an agreement with what it takes from its objective."""
        behind = self.watch.get(table.slo)
        if table.sli or behind is None:
            return table
        taken = {
            name: getattr(behind, name)
            for name in ("sli", "latency", "scale", "score", "measure", "within", "at_least", "at_most", "aggregate")
        }
        return table.but(**taken)


def _known(name: str) -> None:
    """Refuse a name that is almost one of the list: nobody names a score `availabilty`."""
    if name in SLIS:
        return
    near = get_close_matches(name, SLIS, n=1, cutoff=0.82)
    if near:
        raise ValueError(
            f'"{name}" is no SLI — did you mean "{near[0]}"? For a score of that name write `sli = "score"`'
        )
