"""The runner: walks one Call through a chain. Spans, timing, cancellation and error mapping live here and only here."""

import asyncio
import logging

from rowen.flow.chain import Chain, Step
from rowen.flow.changed import changed
from rowen.values import (
    Attempt,
    Broken,
    Call,
    Clock,
    Events,
    Fold,
    Money,
    Problem,
    Refused,
    Stepped,
    events_of,
    fault_of,
)

log = logging.getLogger(__name__)


class Walk:
    """One Call on its way. `call` is the call as it is now, and the finished record once `events()` has ended.

    A call is copied only where a step or the answer changes it: the time of the first event is put on it when the answer
    has ended, and the steps that were taken before the last after-step, which records them.
    """

    __slots__ = ("_chain", "_first_ns", "_now_ns", "_steps", "call")

    def __init__(self, chain: Chain, call: Call, clock: Clock) -> None:
        self._chain = chain
        self._now_ns = clock.now_ns
        self._steps: list[Stepped] = []
        self._first_ns = 0
        self.call = call

    async def answer(self) -> Call:
        """Walk to the end and return the finished call, its answer whole.

        Raises:
            Problem: whatever ended the walk; the after-steps have run.

        """
        events = self.events()
        try:
            async for _ in events:
                pass
        finally:
            await events.aclose()
        return self.call

    async def events(self) -> Events:
        """Yield the answer's events as they come, in batches. Close it (`aclosing`) when the caller leaves.

        Raises:
            Problem: whatever ended the walk; the after-steps have run.

        """
        fold = Fold()
        attempts: list[Attempt] = []
        try:
            for name, step in self._chain.before:
                if self.call.answer is not None:
                    break
                await self._step(name, step)
            call = self.call
            if call.answer is not None:
                self._first_ns = self._now_ns()
                yield tuple(events_of(call.answer))
                return
            answer = self._chain.answer(call, attempts.append)
            try:
                async for batch in answer:
                    fold.take(batch)
                    if not self._first_ns:
                        self._first_ns = self._now_ns()
                    yield batch
            finally:
                await answer.aclose()
            self.call = call.but(answer=fold.answer(), source="model")
        except Problem as problem:
            self._fail(problem, fold)
            raise
        except (GeneratorExit, asyncio.CancelledError):
            self._fail(Refused("cancelled"), fold)
            raise
        except Exception as error:  # whatever a step raises is an answer, and is recorded
            log.exception("call %s broke", self.call.id)
            broken = Broken("broken", f"{type(error).__name__} in the chain")
            self._fail(broken, fold)
            raise broken from error
        finally:
            await self._end(tuple(attempts))

    def _fail(self, problem: Problem, fold: Fold) -> None:
        """Note the problem, and what of the answer was there by then."""
        partial = fold.answer()
        self.call = self.call.but(
            problem=fault_of(problem),
            answer=self.call.answer or (partial if partial.choices else None),
            source=self.call.source or ("model" if partial.choices else ""),
        )

    async def _end(self, attempts: tuple[Attempt, ...]) -> None:
        # Nobody was asked, so nothing is owed: that cost is known, unlike one without a price.
        cost = self.call.cost if attempts else Money()
        self.call = self.call.but(attempts=attempts, cost=cost, first_ns=self._first_ns, ended_ns=self._now_ns())
        gone: asyncio.CancelledError | None = None
        for left, (name, step) in enumerate(self._chain.after, 1 - len(self._chain.after)):
            if not left:
                self.call = self.call.but(steps=tuple(self._steps))
            try:
                await self._step(name, step)
            except asyncio.CancelledError as error:
                # The caller left at the very end. What is set aside must still be settled and the call recorded.
                gone = error
            except Exception:
                # The answer has left; a failing after-step must not keep the others from running.
                log.exception("after-step %s failed for call %s", name, self.call.id)
        self.call = self.call.but(steps=tuple(self._steps))
        if gone is not None:
            raise gone

    async def _step(self, name: str, step: Step) -> None:
        old, now_ns = self.call, self._now_ns
        started = now_ns()
        try:
            new = await step(old)
        except Problem as problem:
            self._steps.append(Stepped(name=name, started_ns=started, ended_ns=now_ns(), code=problem.code))
            raise
        self._steps.append(
            Stepped(name=name, started_ns=started, ended_ns=now_ns(), changed=() if new is old else changed(old, new))
        )
        self.call = new
