"""Queues of answers that people review: what is asked of them, of whom how many, and what became of each."""

import hashlib
from typing import Literal

from rowen.values import Score, ScoreType, Value

State = Literal["open", "disputed", "done"]
Answer = float | bool | str


class Picked(Value, frozen=True, kw_only=True):
    """Which traces a queue takes when it is filled. Empty fields do not pick."""

    model: str = ""
    feature: str = ""
    user: str = ""
    session: str = ""
    status: str = "ok"
    score: str = ""
    """Only traces with a score of this name, between `below` and `above` where they are given."""
    below: float | None = None
    above: float | None = None
    sample: float = 1.0
    """Which share of them, chosen by their ids: filling again chooses the same."""


class Queue(Value, frozen=True, kw_only=True):
    """Answers to be reviewed under one set of guidelines."""

    id: str
    tenant: str = "default"
    app: str = ""
    """The app whose answers it holds; empty for all."""
    name: str
    guidelines: str = ""
    """What raters read before they judge."""
    asked: tuple[str, ...] = ("thumbs",)
    """The scores that each rater gives."""
    picks: Picked = Picked()
    raters: int = 1
    """How many people judge each item, without seeing one another's judgement."""
    lease_s: int = 900
    """Seconds that an item stays with a rater who took it; after that another may take it."""
    closed: bool = False
    created_ns: int = 0


class Opinion(Value, frozen=True, kw_only=True):
    """What one rater said of an item."""

    rater: str
    values: dict[str, Answer]
    reason: str = ""
    correction: str = ""
    at_ns: int = 0


class Lease(Value, frozen=True, kw_only=True):
    """An item is with a rater until then."""

    rater: str
    until_ns: int


class Item(Value, frozen=True, kw_only=True):
    """One answer in a queue."""

    id: str
    tenant: str
    queue: str
    app: str = ""
    trace: str
    span: str = ""
    state: State = "open"
    opinions: tuple[Opinion, ...] = ()
    leases: tuple[Lease, ...] = ()
    skipped: tuple[str, ...] = ()
    """Raters who would rather not judge it."""
    settled: dict[str, Answer] = {}
    """What holds in the end: what all said alike, or what was decided when they did not."""
    decided_by: str = ""
    why: str = ""
    """Why it is in the queue: what the queue picked it by, or who put it there. Raters are not told."""
    created_ns: int = 0

    def rated_by(self, rater: str) -> bool:
        """Whether a rater has judged it."""
        return any(opinion.rater == rater for opinion in self.opinions)

    def held_by(self, rater: str, now_ns: int) -> bool:
        """Whether it is with a rater now."""
        return any(lease.rater == rater and lease.until_ns > now_ns for lease in self.leases)

    def room(self, raters: int, rater: str, now_ns: int) -> bool:
        """Whether one more rater may judge it: the others who judged it or hold it are fewer than wanted."""
        busy = {opinion.rater for opinion in self.opinions}
        busy |= {lease.rater for lease in self.leases if lease.until_ns > now_ns}
        return len(busy - {rater}) < raters

    def leased(self, rater: str, until_ns: int, now_ns: int) -> "Item":
        """Return it with a rater."""
        others = (lease for lease in self.leases if lease.rater != rater and lease.until_ns > now_ns)
        return self.but(leases=(*others, Lease(rater=rater, until_ns=until_ns)))

    def freed(self, rater: str) -> "Item":
        """Return it no longer with a rater."""
        return self.but(leases=tuple(lease for lease in self.leases if lease.rater != rater))

    def rated(self, opinion: Opinion, raters: int) -> "Item":
        """Return it with one more opinion, in place of the rater's earlier one: done when all who are wanted agree."""
        opinions = (*(each for each in self.opinions if each.rater != opinion.rater), opinion)
        item = self.freed(opinion.rater).but(opinions=opinions, state="open", settled={})
        if len(opinions) < raters:
            return item
        first = opinions[0].values
        if all(each.values == first for each in opinions):
            return item.but(state="done", settled=first)
        return item.but(state="disputed")


class Listed(Item, frozen=True, kw_only=True):
    """An item in a list, with the beginning of what is judged."""

    asked: str = ""
    """The first characters of what was asked, after masking; of a span, of what went in."""
    said: str = ""
    """The first characters of what was answered, after masking; of a span, of what came out."""
    model: str = ""
    started_ns: int = 0
    """When it was asked; 0 where the trace is no longer kept."""


def item_id(queue: str, trace: str, span: str) -> str:
    """Return the id that an answer always has in a queue: added again it is the same item."""
    return hashlib.sha256(f"{queue}\0{trace}\0{span}".encode()).hexdigest()[:32]


def judgement(item: Item, name: str, value: Answer, *, by: str, reason: str = "", decided: bool = False) -> Score:
    """Return what a person said of an item as a score, always under the same id."""
    id = hashlib.sha256(f"{item.id}\0{by}\0{name}\0{decided}".encode()).hexdigest()[:32]
    kind: ScoreType = "correction" if name == "correction" else "boolean" if isinstance(value, bool) else "number"
    return Score(
        id=id,
        tenant=item.tenant,
        target="span" if item.span else "trace",
        trace=item.trace,
        span=item.span,
        name=name,
        type=kind,
        value=value,
        reason=reason,
        source="person",
        by=by,
        metadata={"queue": item.queue, "decided": True} if decided else {"queue": item.queue},
    )
