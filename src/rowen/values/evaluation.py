"""Would it be good: one run of something over cases, and what became of each case."""

from decimal import Decimal
from typing import Any, Literal

from rowen.values.base import Value
from rowen.values.knowledge import Index

Tried = Literal["answered", "failed"]
"""Whether there was an answer to judge. What could not be judged is failed too, and says so."""

RunState = Literal["waiting", "running", "paused", "done", "stopped"]
"""`paused` may be resumed; `stopped` ended before its cases did, for the budget or by a person."""

TargetKind = Literal["definition", "endpoint", "callable"]
"""What is tried: an app's Definition, a model behind an OpenAI-shaped address, or a function of one's own."""


class Target(Value, frozen=True, kw_only=True):
    """What a run tries."""

    kind: TargetKind
    app: str = ""
    definition: str = ""
    """The hash of the Definition; of anything else a hash over what is known of it."""
    name: str = ""
    """For people: the label of a version, the address and model of an endpoint, the name of a function."""


class Outcome(Value, frozen=True, kw_only=True):
    """What became of one case, tried once. `(run, case, trial)` tells outcomes apart."""

    case: str
    trial: int = 0
    """From 0: a case may be tried several times, since answers differ each time."""
    key: str = ""
    """A hash over everything that the answer and its scores depend on: the same key need not be asked again."""
    asked: str = ""
    """The same over what the answer alone depends on: with the same, an answer need only be judged anew. Empty where
    there is no answer."""
    state: Tried = "answered"
    answer: str = ""
    """The text of the answer, tool calls as JSON."""
    contexts: tuple[str, ...] = ()
    """The passages that the answer should rest on, so that it can be judged anew."""
    numbers: dict[str, float] = {}
    """Scores that can be averaged, by metric."""
    labels: dict[str, str] = {}
    """Scores that cannot, by metric."""
    reasons: dict[str, str] = {}
    """Why a judge said what it said, by metric; and of what failed the code and the sentence, under `error`."""
    cost: Decimal | None = None
    """US dollars of the answer and its judgements together; None when a price is not known."""
    answer_cost: Decimal | None = None
    """US dollars of the answer alone."""
    paid: Decimal | None = None
    """US dollars that this run paid for it: nothing for what was known before."""
    duration_ms: float | None = None
    first_ms: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    trace: str = ""
    told: tuple[str, ...] = ()
    """Further traces in which models were told of the case: tries in vain, and where there is no `trace`, the one that judges'
    calls are within."""
    cached: bool = False
    """Whether it was taken from an earlier run, so that nothing was paid for it now."""
    group: str = ""
    """What it belongs to: the user, session or document whose cases are alike. Intervals are over groups."""
    slices: dict[str, str] = {}
    """By what it can be cut: language, length, topic, whatever the case says of itself."""
    at_ns: int = 0


class Run(Value, frozen=True, kw_only=True):
    """One target on one version of a data set, judged by some metrics. What is written here never changes the outcomes."""

    id: str
    tenant: str = "default"
    app: str = ""
    suite: str = ""
    """The `[evaluate.NAME]` table that it ran, or empty."""
    target: Target
    dataset: str = ""
    version: str = ""
    """The hash of the data set's version: with the target's hash it makes a run replayable for ever."""
    metrics: tuple[str, ...] = ()
    scorers: dict[str, str] = {}
    """The version of each scorer, by metric."""
    trials: int = 1
    cases: int = 0
    state: RunState = "waiting"
    answered: int = 0
    failed: int = 0
    cached: int = 0
    """Outcomes so far."""
    cost: Decimal = Decimal(0)
    """US dollars paid for it so far."""
    budget: Decimal | None = None
    why: str = ""
    """Why it stopped or paused, in a sentence."""
    by: str = ""
    note: str = ""
    created_ns: int = 0
    ended_ns: int = 0
    indexes: tuple[Index, ...] = ()
    """What the target answered from as the run was begun last."""
    settings: dict[str, Any] = {}
    """What else it was run with, to run it again."""
