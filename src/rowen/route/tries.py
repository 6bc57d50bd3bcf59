"""One attempt at one deployment: what came, what it used, what it cost, and how it is told."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from rowen.route.state import Standing
from rowen.route.watch import Watch, Watches
from rowen.values import (
    Ask,
    Attempt,
    Broken,
    CallArgs,
    Clock,
    CountText,
    CountTokens,
    Embedded,
    Event,
    Events,
    Finished,
    Likely,
    Money,
    Pricing,
    Problem,
    Reasoned,
    Refusing,
    Request,
    Said,
    Sounded,
    Started,
    Unavailable,
    Usage,
    Used,
)

# After these the prompt was most likely read, and paid for, although nothing came back.
_PAID = frozenset({"upstream_timeout", "upstream_cut", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every attempt needs."""

    ask: Ask
    pricing: Pricing
    count: CountTokens
    count_text: CountText
    clock: Clock
    watches: Watches


class Try:
    """An attempt under way. `begin` it, take its `events`, `end` it once, and `close` it whatever happens."""

    __slots__ = (
        "_before",
        "_desk",
        "_foreseen",
        "_left",
        "_request",
        "_tell",
        "called",
        "connected_ns",
        "ended",
        "ends",
        "events",
        "first_ns",
        "held",
        "more",
        "reason",
        "standing",
        "started_ns",
        "usage",
        "watch",
    )

    events: Events
    """What the upstream says; there once the attempt has begun."""

    def __init__(
        self,
        desk: Desk,
        request: Request,
        standing: Standing,
        tell: Callable[[Attempt], None],
        *,
        reason: str,
        left: float,
        foreseen: int,
        before: Usage | None,
    ) -> None:
        """Make an attempt; the standing has been entered.

        Args:
            desk: what every attempt needs.
            request: what to ask.
            standing: whom to ask.
            tell: takes the attempt when it has ended.
            reason: why it is made.
            left: seconds that the call has left.
            foreseen: tokens taken of the deployment's known limit.
            before: what earlier attempts used whose text this one continues.

        """
        self._desk = desk
        self._request = request
        self._tell = tell
        self._foreseen = foreseen
        self._before = before
        self.standing = standing
        self.reason = reason
        self._left = left
        self.more = True
        """Whether the stream may have more than what is held."""
        self.started_ns = desk.clock.now_ns()
        self.connected_ns = 0
        self.first_ns = 0
        self.held: list[Event] = []
        """What came up to the first content, which decides whether a failure can be hidden."""
        self.usage: Usage | None = None
        self.called = False
        """Whether anything other than plain text came."""
        self.ends = 0
        """Choices that have come to their end."""
        self.ended = False
        self.watch: Watch | None = None

    async def begin(self, *, whole: bool = False) -> None:
        """Wait for the first content of the answer, with `whole` for its end. Fills `held`.

        Raises:
            Problem: as the provider, or `upstream_timeout`, or `upstream_cut` where the answer has no content.

        """
        loop = asyncio.get_running_loop()
        try:
            self.events = self._desk.ask(self._request, self.standing.deployment.name)
            watch = self.watch = Watch(
                self._desk.watches,
                self.standing.deployment.patience,
                self._left,
                self.events,
                loop,
                streamed=self._request.stream,
            )
            watch.task = asyncio.current_task(loop)
            async for batch in self.events:
                self.held += self.taken(batch)
                if self.first_ns:
                    watch.speaks = True
                    if not whole:
                        return
        except (asyncio.CancelledError, Unavailable) as error:
            self.forgive(error)
        self.held += self.last()

    def taken(self, batch: Sequence[Event]) -> Sequence[Event]:
        """Note the events of a batch; return them as the caller is to see them."""
        if len(batch) == 1 and type(event := batch[0]) is Said and self.first_ns:  # nearly every batch of a stream
            assert self.watch is not None
            self.watch.pieces.append(event.text)
            return batch
        return [self.take(event) for event in batch]

    def forgive(self, error: asyncio.CancelledError | Unavailable) -> None:
        """Let a failure pass after which nothing is missing; raise it otherwise, our own watch's as a timeout."""
        own = self.watch.timed_out() if self.watch else None
        problem = own if isinstance(error, asyncio.CancelledError) else error
        if problem is None:
            raise error
        if self.ends < (1 if self._request.kind == "embeddings" else self._request.n):
            raise problem from None

    def take(self, event: Event) -> Event:
        """Note an event; return it as the caller is to see it."""
        watch = self.watch
        assert watch is not None
        watch.others += 1
        if type(event) is Said:
            watch.pieces.append(event.text)
        elif type(event) is Finished or type(event) is Embedded:
            self.ends += 1
        elif type(event) is Used:
            self.usage = event.usage
            return event if self._before is None else Used(usage=self._before + event.usage)
        elif type(event) is Started:
            if event.connecting:
                self.connected_ns = self.started_ns + round(event.connecting * 1e9)
            return event
        elif type(event) is not Likely:
            self.called = True
            if isinstance(event, Reasoned | CallArgs | Refusing):
                watch.pieces.append(event.text)
            elif isinstance(event, Sounded):
                watch.pieces.append(event.transcript)
        if not self.first_ns:
            self.first_ns = self._desk.clock.now_ns()
            self.standing.began_after((self.first_ns - self.started_ns) / 1e9)
        return event

    @property
    def said(self) -> str:
        """All text that came."""
        return "".join(self.watch.pieces) if self.watch else ""

    def last(self) -> tuple[Event, ...]:
        """Return what the provider left to say when its stream has ended: our estimate where it reported no usage.

        Raises:
            Unavailable: `upstream_cut` when no choice came to an end.

        """
        self.more = False
        if not self.ends:
            raise Unavailable("upstream_cut", "The provider's answer broke off.")
        if self.usage is not None:
            return ()
        return (self.take(Used(usage=self.used())),)

    def used(self, code: str = "") -> Usage:
        """Return the provider's count where it came with the end of the answer, else our estimate.

        Args:
            code: of the problem that the attempt failed of; after some nothing was used.

        """
        known = self.usage
        if known is not None and self.ends:
            return known
        if known is None and not self.held and code not in _PAID:
            return Usage()
        text = self.said
        said = self._desk.count_text(text) if text else 0
        if known is None:
            return Usage(input_tokens=self._desk.count(self._request), output_tokens=said, estimated=True)
        # A count from the beginning of the answer knows the prompt, not yet what was said.
        return known if known.output_tokens >= said else known.but(output_tokens=said, estimated=True)

    def end(self, status: str, problem: Problem | None = None, *, waste: bool = False) -> None:
        """Tell the attempt, free its place and judge the deployment. Only the first time counts.

        Args:
            status: `ok`, `failed`, `cancelled` or `hedged`.
            problem: what it failed of.
            waste: whether its answer was not used.

        """
        if self.ended:
            return
        self.ended = True
        if self.watch is not None:
            self.watch.stop()
        usage = self.used(problem.code if problem else "" if status == "ok" else "cancelled")
        standing = self.standing
        standing.leave(self._foreseen, usage.total)
        self._judge(status, problem)
        deployment = standing.deployment
        if status != "ok" and not usage.total:
            cost: Money | None = Money()  # nothing was used, so it costs nothing whatever the price
        else:
            cost = self._desk.pricing(deployment.provider, deployment.upstream, usage, self.started_ns)
        self._tell(
            Attempt(
                deployment=deployment.name,
                provider=deployment.provider,
                model=deployment.upstream,
                started_ns=self.started_ns,
                ended_ns=self._desk.clock.now_ns(),
                connected_ns=self.connected_ns,
                first_event_ns=self.first_ns,
                status=status,
                code=problem.code if problem else "",
                message=problem.message if problem else "",
                usage=usage,
                cost=cost,
                waste=waste,
                reason=self.reason,
            )
        )

    async def close(self) -> None:
        """Stop the upstream. An attempt that nobody ended broke through our own fault."""
        if not self.ended:
            self.end("failed", Broken("broken"), waste=True)
        if self.more and self.watch is not None:
            # Whatever an upstream still has to complain about, its answer is not wanted any more.
            with suppress(Problem):
                await self.events.aclose()

    def _judge(self, status: str, problem: Problem | None) -> None:
        standing = self.standing
        if status == "ok":
            standing.went_well()
        elif problem is None:
            standing.breaker.nothing()
            if status == "hedged" and not self.first_ns:
                # It takes at least this long, which the next choice by latency should know.
                standing.began_after((self._desk.clock.now_ns() - self.started_ns) / 1e9)
        elif problem.code == "upstream_limited":
            standing.limited(problem)
        elif isinstance(problem, Unavailable | Broken):
            standing.went_wrong(problem)
        elif problem.code.startswith("upstream_"):
            standing.went_well()  # it refused this request, but it is there
        else:
            standing.breaker.nothing()
