"""Our own figures against the provider's: what agrees, what explains a difference, and what nothing explains.

A difference of tokens may be explained by calls within minutes of midnight, which one side books on the other day; by
usage that we had to estimate, since the provider reported none; and by models of the export that never passed through
here. Each explains no more than it could have caused. The rest is within the tolerance, or it is unexplained.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal

from rowen.insight.calendar import DAY_NS, day_of
from rowen.insight.reading import Bought
from rowen.insight.usage import Exported, Provider
from rowen.values import Value

_EDGE_NS = 5 * 60 * 1_000_000_000
_DATED = re.compile(r"[-@](20\d\d-?\d\d-?\d\d|latest)$")
_ESTIMATE_ERROR = 0.25
"""How far an estimate of tokens may be off."""


class Compared(Value, frozen=True, kw_only=True):
    """One model on one day, or in all where `day_ns` is 0: both sides, and what the difference is made of."""

    provider: Provider
    model: str
    day_ns: int = 0
    ours_tokens: int = 0
    theirs_tokens: int = 0
    ours_requests: int = 0
    theirs_requests: int | None = None
    ours_cost: Decimal | None = None
    """None when a price is unknown."""
    theirs_cost: Decimal | None = None
    """None when the export tells no costs."""
    at_midnight: int = 0
    """Tokens of calls within five minutes of the day's ends."""
    estimated: int = 0
    """Tokens that an error of our estimates may account for."""
    elsewhere: int = 0
    """Tokens of a model that did not pass through here at all."""
    unexplained: int = 0
    """Tokens of the difference that are neither explained nor within the tolerance; negative when we have more."""
    verdict: Literal["agrees", "explained", "unexplained"] = "agrees"


class Reconciled(Value, frozen=True, kw_only=True):
    """The comparison of an export with the ledger."""

    days: tuple[Compared, ...]
    models: tuple[Compared, ...]
    tolerance: float
    agrees: bool
    """Whether nothing is unexplained."""
    unexplained_tokens: int = 0
    unexplained_usd: Decimal | None = None
    """Of the totals, where both sides tell costs: what is beyond the tolerance."""


def reconcile(export: Sequence[Exported], attempts: Iterable[Bought], *, tolerance: float = 0.005) -> Reconciled:
    """Return how an export and what was bought here agree, by day and model.

    Args:
        export: the provider's lines, all of one provider.
        attempts: what was bought here in the same days, of any provider.
        tolerance: the share of the provider's tokens that a difference may be.

    """
    sides: dict[tuple[str, int], _Sides] = {}
    provider: Provider = export[0].provider if export else "openai"
    for line in export:
        sides.setdefault((_plain(line.model), line.day_ns), _Sides()).theirs(line)
    covered = {day for _, day in sides}
    edges = _Edges()
    for one in attempts:
        if one.provider == provider:
            model, day = _plain(one.answered_by or one.model), day_of(one.at_ns)
            edges.add(model, one)
            if day in covered:
                sides.setdefault((model, day), _Sides()).ours(one)
    ours = {model for (model, _), side in sides.items() if side.requests}
    days = [
        side.compared(provider, model, day, tolerance, edges.of(model, day, day), elsewhere=model not in ours)
        for (model, day), side in sorted(sides.items(), key=lambda pair: (pair[0][1], pair[0][0]))
    ]
    models = []
    for model in sorted({model for model, _ in sides}):
        whole = _Sides()
        for (name, _), side in sides.items():
            if name == model:
                whole.add(side)
        # Midnights within the window move nothing of its whole.
        span = edges.of(model, min(covered), max(covered))
        models.append(whole.compared(provider, model, 0, tolerance, span, elsewhere=model not in ours))
    rest = sum(abs(one.unexplained) for one in models)
    return Reconciled(
        days=tuple(days),
        models=tuple(models),
        tolerance=tolerance,
        agrees=all(one.verdict != "unexplained" for one in (*days, *models)),
        unexplained_tokens=rest or sum(abs(one.unexplained) for one in days),
        unexplained_usd=_money(models, tolerance),
    )


class _Edges:
    """Tokens of our calls just after midnight and just before it, which the other side may book on the other day."""

    def __init__(self) -> None:
        self._after: dict[tuple[str, int], int] = {}
        self._before: dict[tuple[str, int], int] = {}

    def add(self, model: str, one: Bought) -> None:
        day, within = day_of(one.at_ns), one.at_ns % DAY_NS
        for kept, near in ((self._after, within <= _EDGE_NS), (self._before, DAY_NS - within <= _EDGE_NS)):
            if near:
                kept[model, day] = kept.get((model, day), 0) + one.usage.total

    def of(self, model: str, first: int, last: int) -> tuple[int, int]:
        """Return how many more tokens, and how many fewer, the other side may have booked on these days."""
        more = self._before.get((model, first - DAY_NS), 0) + self._after.get((model, last + DAY_NS), 0)
        fewer = self._after.get((model, first), 0) + self._before.get((model, last), 0)
        return more, fewer


class _Sides:
    """Both sides of one model and day."""

    def __init__(self) -> None:
        self.tokens = self.their_tokens = self.requests = 0
        self.their_requests: int | None = None
        self.cost: Decimal | None = Decimal(0)
        self.billed: Decimal | None = None
        self.guessed = 0.0

    def theirs(self, line: Exported) -> None:
        self.their_tokens += line.input_tokens + line.output_tokens
        if line.requests is not None:
            self.their_requests = (self.their_requests or 0) + line.requests
        if line.billed is not None:
            self.billed = (self.billed or Decimal(0)) + line.billed

    def ours(self, one: Bought) -> None:
        self.tokens += one.usage.total
        self.requests += 1
        if one.usage.estimated:
            self.guessed += one.usage.total * _ESTIMATE_ERROR
        self.cost = None if self.cost is None or one.cost is None else self.cost + one.cost

    def add(self, other: "_Sides") -> None:
        self.tokens += other.tokens
        self.their_tokens += other.their_tokens
        self.requests += other.requests
        self.guessed += other.guessed
        if other.their_requests is not None:
            self.their_requests = (self.their_requests or 0) + other.their_requests
        self.cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        if other.billed is not None:
            self.billed = (self.billed or Decimal(0)) + other.billed

    def compared(
        self, provider: Provider, model: str, day: int, tolerance: float, edges: tuple[int, int], *, elsewhere: bool
    ) -> Compared:
        tells_tokens = self.their_tokens or self.their_requests is not None or self.billed is None
        gap = self.their_tokens - self.tokens if tells_tokens else 0
        allowed = round(tolerance * max(self.their_tokens, self.tokens))
        found = Compared(
            provider=provider,
            model=model,
            day_ns=day,
            ours_tokens=self.tokens,
            theirs_tokens=self.their_tokens,
            ours_requests=self.requests,
            theirs_requests=self.their_requests,
            ours_cost=self.cost,
            theirs_cost=self.billed,
        )
        if abs(gap) <= allowed:
            return found
        if elsewhere:
            return found.but(elsewhere=gap, verdict="explained")
        left = abs(gap)
        edge = min(left, edges[0] if gap > 0 else edges[1])
        left -= edge
        guessed = min(left, round(self.guessed))
        left -= guessed
        found = found.but(at_midnight=edge, estimated=guessed)
        if left <= allowed:
            return found.but(verdict="explained")
        return found.but(unexplained=left if gap > 0 else -left, verdict="unexplained")


def _money(models: Sequence[Compared], tolerance: float) -> Decimal | None:
    ours = [one.ours_cost for one in models if one.ours_requests]
    theirs = [one.theirs_cost for one in models if one.theirs_cost is not None]
    if not theirs or any(cost is None for cost in ours):
        return None
    billed = sum(theirs, Decimal(0))
    gap = billed - sum((cost for cost in ours if cost is not None), Decimal(0))
    return Decimal(0) if abs(gap) <= billed * Decimal(str(tolerance)) else gap


def _plain(model: str) -> str:
    """Return a model's name without the date of its version, which one side tells and the other does not."""
    return _DATED.sub("", model.lower().removeprefix("models/"))
