"""Takes spans in: reads, maps, applies the policy, stores. What it returns for is on the disk."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rowen.trace.intake.judged import judgements, of_event, once
from rowen.trace.intake.observe import IntakeLimits, observed
from rowen.trace.intake.policy import Policy
from rowen.trace.intake.sample import SampleSettings, told
from rowen.trace.intake.wire import Sent
from rowen.values import Clock, Happening, Mistaken, Observed, Pricing, Refused, Score, SpanRow

_AT_ONCE = 64
"""Spans between two looks at the loop: calls under way must not wait for a large batch. About 5 ms."""
_SCORES = 1_000
"""Judgements kept at once at most."""
_NAMED = 3
"""Different reasons told of spans that were not taken."""

Observe = Callable[[Sequence[Observed]], Awaitable[None]]


class Judge(Protocol):
    """The way in for scores."""

    async def __call__(self, scores: Sequence[Score], *, apps: frozenset[str] = frozenset()) -> Sequence[Score]:
        """Keep scores, all of them or none.

        Raises:
            Mistaken: one is not as its config says.
            Refused: one is about an app that the sender may not judge.

        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends, and what was said beside the spans."""

    tenant: str
    apps: frozenset[str] = frozenset()
    """The apps that the key may write to; empty for any."""
    app: str = ""
    """The app named beside the spans: wins over what they say."""
    otherwise: str = ""
    """The app of spans that name none."""


@dataclass(slots=True)
class Taken:
    """What became of a request."""

    kept: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    judged: int = 0
    misjudged: int = 0

    def reject(self, reason: str) -> None:
        """Count one span that is not kept."""
        self.rejected += 1
        self._name(reason)

    def misjudge(self, reason: str) -> None:
        """Count one judgement that is not kept; its span is."""
        self.misjudged += 1
        self._name(reason)

    def add(self, other: "Taken") -> None:
        """Count what became of another request too."""
        self.kept += other.kept
        self.rejected += other.rejected
        self.judged += other.judged
        self.misjudged += other.misjudged
        for reason, count in other.reasons.items():
            if reason in self.reasons or len(self.reasons) < _NAMED:
                self.reasons[reason] = self.reasons.get(reason, 0) + count

    def _name(self, reason: str) -> None:
        if reason in self.reasons or len(self.reasons) < _NAMED:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    @property
    def sentence(self) -> str:
        """Why spans or judgements were not kept; empty when all were."""
        return "; ".join(f"{count} × {reason}" if count > 1 else reason for reason, count in self.reasons.items())


class Intake:
    """Where spans come in, whatever they came by.

    Args:
        observe: writes spans; when it returns they are on the disk.
        judge: keeps judgements.
        policy: what of a span may be kept.
        pricing: what usages cost.
        clock: the time.
        limits: how much one span may hold.
        sampling: how traces are sampled afterwards, so that they say it.

    """

    def __init__(
        self,
        *,
        observe: Observe,
        judge: Judge,
        policy: Policy,
        pricing: Pricing,
        clock: Clock,
        limits: IntakeLimits,
        sampling: SampleSettings,
    ) -> None:
        self._observe = observe
        self._judge = judge
        self._policy = policy
        self._pricing = pricing
        self._clock = clock
        self._limits = limits
        self._sampling = sampling
        self.kept = 0
        self.rejected = 0

    async def take(self, sent: Iterable[Sent], sender: Sender) -> Taken:
        """Keep the spans that can be kept, and the judgements on them.

        Raises:
            Unavailable: `store_unavailable`; nothing was kept, and all may be sent again.

        """
        taken = Taken()
        keep: list[Observed] = []
        scores: list[tuple[Score, str]] = []
        now = self._clock.now_ns()
        for group in sent:
            for number, raw in enumerate(group.spans):
                if number % _AT_ONCE == _AT_ONCE - 1:
                    await asyncio.sleep(0)
                try:
                    seen = self._seen(group, raw, sender, now)
                except (Mistaken, Refused) as problem:
                    taken.reject(str(problem))
                    continue
                kept = self._policy(seen)
                scores.extend((score.but(session=kept.row.session), seen.row.app) for score in judgements(seen, now))
                keep.append(kept)
        if keep:
            await self._observe(keep)
        await self._judged(scores, sender, taken)
        taken.kept = len(keep)
        self.kept += taken.kept
        self.rejected += taken.rejected
        return taken

    async def judge(self, events: Iterable[tuple[Happening, str, str]], sender: Sender, app: str) -> Taken:
        """Keep the judgements in evaluation events that came apart from their spans, each with trace and span."""
        taken = Taken()
        now = self._clock.now_ns()
        named = sender.app or app or sender.otherwise
        scores: list[tuple[Score, str]] = []
        for event, trace, span in events:
            began = event.at_ns if 0 < event.at_ns <= now else now
            row = SpanRow(trace=trace, id=span, tenant=sender.tenant, app=named, started_ns=began, duration_ns=0)
            if trace and (score := of_event(event, row, now)) is not None:
                scores.append((score, named))
            else:
                taken.reject("an evaluation event needs a trace id, a name, and a value or label")
        await self._judged(scores, sender, taken)
        return taken

    def _seen(self, group: Sent, raw: object, sender: Sender, now: int) -> Observed:
        span = group.read(raw, group.scope)
        if not span.parent and self._sampling.ratio < 1:
            span = span.but(attributes={**span.attributes, **told(span.trace, self._sampling)})
        seen = observed(
            span,
            group.resource,
            tenant=sender.tenant,
            now_ns=now,
            app=sender.app,
            pricing=self._pricing,
            limits=self._limits,
        )
        if not seen.row.app and sender.otherwise:
            seen = seen.but(row=seen.row.but(app=sender.otherwise))
        if sender.apps and seen.row.app not in sender.apps:
            named = seen.row.app or "none"
            raise Refused("key_scope", f"the key may not write to the app {named!r}", place="apps")
        return seen

    async def _judged(self, scores: Sequence[tuple[Score, str]], sender: Sender, taken: Taken) -> None:
        """Keep judgements: all at once, or, when one of them does not fit, those that do."""
        kept = once(self._policy.judged(score, app) for score, app in scores)
        for start in range(0, len(kept), _SCORES):
            some = kept[start : start + _SCORES]
            try:
                await self._judge(some, apps=sender.apps)
                taken.judged += len(some)
            except (Mistaken, Refused):
                for score in some:
                    try:
                        await self._judge([score], apps=sender.apps)
                        taken.judged += 1
                    except (Mistaken, Refused) as problem:
                        taken.misjudge(f"the judgement {score.name!r} was not kept: {problem}")
