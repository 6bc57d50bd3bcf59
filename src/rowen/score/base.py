"""What a scorer is: what it is given to judge, what it says, and what it may need of others."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple, Protocol

from rowen.values import Answer, Message, Mistaken, Problem, Request, ScoreType, Usage, Value


class Subject(Value, frozen=True, kw_only=True):
    """What is judged: one answer with everything around it that is known."""

    question: str = ""
    answer: str = ""
    references: tuple[str, ...] = ()
    """Answers known to be right."""
    contexts: tuple[str, ...] = ()
    """The passages that the answer should rest on."""
    messages: tuple[Message, ...] = ()
    """The conversation up to the answer."""
    usage: Usage = Usage()
    duration_ms: float | None = None
    variables: dict[str, Any] = {}
    """Whatever else a judge's prompt names."""
    trace: str = ""
    """The trace that it is or stands in, of a session its last one: what models are told of it goes when that trace goes."""


class Verdict(Value, frozen=True, kw_only=True):
    """What a scorer says of a subject. `part` tells several verdicts of one scorer apart."""

    part: str = ""
    type: ScoreType = "number"
    value: float | bool | str
    number: float | None = None
    reason: str = ""
    confidence: float | None = None
    evidence: str = ""
    cost: Decimal | None = None
    metadata: dict[str, Any] = {}


class Scorer(Protocol):
    """Judges. `version` changes whenever the same subject might get another verdict."""

    @property
    def version(self) -> str: ...

    async def __call__(self, subject: Subject) -> tuple[Verdict, ...]:
        """Return the verdicts; none where the subject lacks what the scorer judges (no reference, no context).

        Raises:
            Problem: it could not judge. That is an error, never a verdict.

        """
        ...


class Told(NamedTuple):
    """What a model answered, the trace of that call, and its cost in US dollars where it is known."""

    answer: Answer
    trace: str
    cost: Decimal | None


AskModel = Callable[[Request], Awaitable[Told]]
"""Asks a model through the normal chain, so that the call is traced, costed and limited like any other."""

Embed = Callable[[Sequence[str]], Awaitable[Sequence[Sequence[float]]]]
"""Makes a vector of length 1 of each text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What a scorer may need of others. A test hands in three lines."""

    ask: AskModel | None = None
    embed: Embed | None = None
    rng: Random = field(default_factory=Random)


@dataclass(frozen=True, slots=True)
class Plain:
    """A scorer made of a plain function."""

    version: str
    judge: Callable[[Subject], tuple[Verdict, ...]]

    async def __call__(self, subject: Subject) -> tuple[Verdict, ...]:
        return self.judge(subject)


def flag(claim: bool, reason: str = "", part: str = "", **metadata: Any) -> Verdict:
    """Return a verdict that is true or false."""
    return Verdict(part=part, type="boolean", value=claim, number=float(claim), reason=reason, metadata=metadata)


def number(value: float, reason: str = "", part: str = "", **metadata: Any) -> Verdict:
    """Return a verdict that is a number."""
    return Verdict(part=part, type="number", value=value, number=value, reason=reason, metadata=metadata)


def cost_of(verdicts: Sequence[Verdict]) -> Decimal | None:
    """Return the US dollars that verdicts cost together, None where a price is unknown; those of a rule in code are free."""
    costs = [verdict.cost for verdict in verdicts if verdict.evidence]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None


def cost_text(cost: Decimal | None) -> str:
    """Return a cost as a problem's details and the records of jobs have it."""
    return "unknown" if cost is None else str(cost)


def failed_cost(problem: Problem) -> Decimal | None:
    """Return the US dollars that were paid before something failed, as its problem tells; None where a price is unknown."""
    cost = problem.details.get("cost", "0")
    return None if cost == "unknown" else Decimal(str(cost))


def embedder(ports: Ports, kind: str) -> Embed:
    """Return the embedder.

    Raises:
        Mistaken: `config_invalid` when none is there.

    """
    if ports.embed is None:
        message = f'the scorer "{kind}" needs an embedding model: name one in `model`'
        raise Mistaken("config_invalid", message, place="model")
    return ports.embed


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the cosine of two vectors of length 1."""
    return sum(a * b for a, b in zip(one, other, strict=True))
