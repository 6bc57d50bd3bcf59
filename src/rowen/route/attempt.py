"""Ask the deployments of a plan until one answers: retries, fallback, hedging, and what to do in mid-stream.

A failure is hidden from the caller as long as nothing of the answer has been sent, so up to the first content event
everything is held back. Every attempt is told exactly once, and every upstream that was opened is closed.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from random import random

from rowen.route.base import Models, Random, Sleep, foreseen
from rowen.route.queue import ELSEWHERE, Queue
from rowen.route.state import FleetState, Standing
from rowen.route.tries import Desk, Try
from rowen.route.watch import Watches
from rowen.values import (
    Ask,
    Attempt,
    Broken,
    Call,
    Clock,
    CountText,
    CountTokens,
    Event,
    Events,
    Pricing,
    Problem,
    Said,
    Started,
    Unavailable,
    Usage,
    first_span,
    says,
    span_id,
)

# Of several problems the caller sees the one that tells most, of equals the last.
_TELLING = {"upstream_connect": 1, "upstream_key": 1, "field_unsupported": 0, "field_unknown": 0}


def attempt(
    models: Models,
    state: FleetState,
    *,
    ask: Ask,
    pricing: Pricing,
    count: CountTokens,
    count_text: CountText,
    clock: Clock,
    rand: Random = random,
    sleep: Sleep = asyncio.sleep,
) -> Callable[[Call, Callable[[Attempt], None]], Events]:
    """Return the step that answers a call whose plan is made.

    Args:
        models: the app's models.
        state: what is known of the deployments while the process runs.
        ask: asks one deployment.
        pricing: what a usage costs.
        count: tokens of a prompt, for estimates where the provider reports none.
        count_text: tokens of a text, likewise.
        clock: the time.
        rand: for the jitter of waits.
        sleep: waits so many seconds before a retry.

    """
    desk = Desk(ask=ask, pricing=pricing, count=count, count_text=count_text, clock=clock, watches=Watches())
    standings = {d.name: state.of(d) for route in models.routes.values() for d in route.deployments}
    metered = any(standing.tokens for standing in standings.values())
    queue = partial(Queue, models.routes, clock=clock, rand=rand, sleep=sleep)

    async def answer(call: Call, tell: Callable[[Attempt], None]) -> Events:
        run = _Run(desk, models, standings, queue, call, tell, metered=metered)
        loop, current_task = asyncio.get_running_loop(), asyncio.current_task
        while True:
            current = await run.begun()
            try:
                yield run.shown(current)
                if current.more:
                    watch, taken = current.watch, current.taken
                    assert watch is not None
                    try:
                        watch.task = current_task(loop)
                        async for batch in current.events:
                            yield taken(batch)
                            # The caller may go on in another task than before.
                            watch.task = current_task(loop)
                    except (asyncio.CancelledError, Unavailable) as error:
                        current.forgive(error)
                    if last := current.last():
                        yield last
                current.end("ok")
                return
            except (GeneratorExit, asyncio.CancelledError):
                current.end("cancelled", waste=True)
                raise
            except Problem as problem:
                goes_on = run.goes_on(current, problem)
                current.end("failed", problem, waste=not goes_on)
                if not goes_on:
                    raise
            finally:
                await current.close()

    return answer


class _Run:
    """The attempts of one call. The time of the whole call is that of its first deployment."""

    __slots__ = (
        "_before",
        "_begun",
        "_call",
        "_desk",
        "_foreseen",
        "_made_queue",
        "_make_queue",
        "_planned",
        "_problems",
        "_request",
        "_route",
        "_tell",
        "_text",
        "_until",
        "_whole",
    )

    def __init__(
        self,
        desk: Desk,
        models: Models,
        standings: dict[str, Standing],
        queue: partial[Queue],
        call: Call,
        tell: Callable[[Attempt], None],
        *,
        metered: bool,
    ) -> None:
        route = models.named(call.request.model)
        if route is None or call.plan is None:
            raise Broken("broken", "The answer step needs a call with a plan.")
        self._desk = desk
        self._route = route
        self._call = call
        self._tell = tell
        self._request = call.request
        self._whole = route.midstream == "restart" and not call.request.stream
        planned = [standings[name] for name in call.plan.deployments]
        self._foreseen = foreseen(call, desk.count) if metered else 0
        self._planned = planned
        self._until = desk.clock.monotonic() + (planned[0].deployment.patience.total if planned else 0.0)
        self._begun = False
        self._make_queue = queue
        self._made_queue: Queue | None = None
        self._problems: list[Problem] = []
        self._text = ""
        self._before: Usage | None = None

    async def begun(self) -> Try:
        """Return an attempt that has begun to answer.

        Raises:
            Problem: the most telling one when nobody answers, or one that is the same everywhere.

        """
        while (standing := await self._next()) is not None:
            current = self._try(standing)
            hedges = self._route.hedge_after > 0 and self._before is None
            found = await self._race(current) if hedges else await self._alone(current)
            if found is not None:
                return found
        raise self._worst()

    @property
    def _queue(self) -> Queue:
        """Whom else to ask. Made when that is first in question, since nearly every call is answered by its first."""
        if self._made_queue is None:
            self._made_queue = self._make_queue(
                self._planned, begun=self._begun, tokens=self._foreseen, until=self._until
            )
        return self._made_queue

    async def _next(self) -> Standing | None:
        if self._made_queue is None and self._planned and self._planned[0].enter(self._foreseen):
            self._begun = True
            return self._planned[0]
        return await self._queue.next()

    def shown(self, current: Try) -> list[Event]:
        """Return what was held back, as it follows on what the caller has already seen."""
        if self._before is None:
            return current.held
        events = [event for event in current.held if type(event) is not Started]
        if self._text[-1:].isspace():
            # The text was sent upstream without the space at its end, so the answer begins with it.
            for at, event in enumerate(events):
                if type(event) is Said:
                    events[at] = event.but(text=event.text.lstrip())
                    break
        return events

    def goes_on(self, current: Try, problem: Problem) -> bool:
        """Whether another deployment is to continue the text so far; it is asked next."""
        text = self._text + current.said
        if (
            self._route.midstream != "continue"
            or not isinstance(problem, Unavailable)
            or current.called
            or not text.strip()
            or self._call.request.n > 1
            or self._call.request.format is not None
        ):
            return False
        self._queue.failed(current.standing, problem)
        if not self._queue.more():
            return False
        self._problems.append(problem)
        used = current.used(problem.code)
        self._text, self._before = text, used if self._before is None else self._before + used
        request = self._call.request
        most = request.max_tokens
        self._request = request.but(
            messages=(*request.messages, says("assistant", text.rstrip())),
            max_tokens=None if most is None else max(1, most - self._desk.count_text(text)),
        )
        return True

    def _try(self, standing: Standing, reason: str = "") -> Try:
        if not reason:
            model = standing.deployment.model
            again = "first" if self._made_queue is None or self._made_queue.asked == 1 else "retry"
            reason = "continue" if self._before else "fallback" if model != self._route.name else again
        request = self._request
        if standing.deployment.traceparent:
            call = self._call
            within, span = call.door.parent_trace or call.id, span_id(first_span(call.id))
            request = request.but(traceparent=f"00-{within}-{span}-01")
        return Try(
            self._desk,
            request,
            standing,
            self._tell,
            reason=reason,
            left=self._until - self._desk.clock.monotonic(),
            foreseen=self._foreseen,
            before=self._before,
        )

    async def _alone(self, current: Try) -> Try | None:
        try:
            await current.begin(whole=self._whole)
        except Problem as problem:
            current.end("failed", problem, waste=True)
            await current.close()
            self._failed(current, problem)
            return None
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                current.end("cancelled", waste=True)
            await current.close()
            raise
        return current

    async def _race(self, first: Try) -> Try | None:
        """Start a second attempt when the first is slow; return the one that speaks first, None when both failed."""
        loop = asyncio.get_running_loop()
        under_way = {loop.create_task(first.begin(whole=self._whole)): first}
        winner: Try | None = None
        status = "hedged"
        try:
            done, _ = await asyncio.wait(under_way, timeout=self._route.hedge_after)
            if not done and (standing := self._queue.spare()) is not None:
                second = self._try(standing, "hedge")
                under_way[loop.create_task(second.begin(whole=self._whole))] = second
            while under_way and winner is None:
                done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in under_way if task in done]:
                    if winner is not None:
                        break  # both spoke at once: the one that was asked first answers
                    current = under_way.pop(task)
                    problem = task.exception()
                    if problem is None:
                        winner = current
                        continue
                    if isinstance(problem, Problem):
                        current.end("failed", problem, waste=True)
                    await current.close()
                    if not isinstance(problem, Problem):
                        raise problem
                    self._failed(current, problem)
        except asyncio.CancelledError:
            status = "cancelled"
            raise
        finally:
            try:
                await self._drop(under_way, status)
            except asyncio.CancelledError:
                if winner is not None:
                    winner.end("cancelled", waste=True)
                    await winner.close()
                raise
        return winner

    async def _drop(self, under_way: Mapping[asyncio.Task[None], Try], status: str) -> None:
        """Stop the attempts that lost. They are told first, so that nothing that happens meanwhile can prevent it."""
        for task, loser in under_way.items():
            problem = task.exception() if task.done() and not task.cancelled() else None
            task.cancel()
            if isinstance(problem, Problem):
                loser.end("failed", problem, waste=True)
            loser.end(status, waste=True)
        if under_way:
            await asyncio.gather(*under_way, return_exceptions=True)
        for loser in under_way.values():
            await loser.close()

    def _failed(self, current: Try, problem: Problem) -> None:
        """Note a failure; raise it when it would be the same everywhere."""
        if not isinstance(problem, Unavailable) and problem.code not in ELSEWHERE:
            raise problem
        self._problems.append(problem)
        self._queue.failed(current.standing, problem)

    def _worst(self) -> Problem:
        if not self._problems:
            message = f"No deployment of {self._route.name!r} can be asked now."
            return Unavailable("no_route", message, who=self._route.name)
        rank = max(_TELLING.get(problem.code, 2) for problem in self._problems)
        return [problem for problem in self._problems if _TELLING.get(problem.code, 2) == rank][-1]
