"""Runs cases: asks, judges, and keeps each outcome before the next case is begun. Killed, it goes on where it was."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from rowen.evaluate.run.aim import Aim, Reply
from rowen.evaluate.run.cut import Cut
from rowen.evaluate.run.judges import Judge
from rowen.evaluate.run.jury import Jury, sentence
from rowen.evaluate.run.keep import Keep
from rowen.evaluate.run.pace import Gate, Halted, Pace, Purse, Sleep
from rowen.evaluate.run.trial import Trial, trials_of
from rowen.score.base import failed_cost
from rowen.store.base import Runs
from rowen.store.shelf import Shelf
from rowen.values import Case, Clock, Mistaken, Outcome, Problem, Run, Unavailable, new_id

_KNOWN_AT_ONCE = 500
_EVERY = 1.0  # seconds between two looks at the run's record, which is also how a run is told to stop
_LONGEST = 10_000


class Runner:
    """Does one run.

    Every outcome is written before its worker begins another case, so that after a kill at most what was under way is
    asked again: as many cases as were tried at the same time. Where a judge asks a model, the answer is written before it
    is judged too.

    Args:
        runs: the records of runs.
        outcomes: where outcomes are kept.
        clock: stamps them.
        sleep: how it waits where a provider asks for it.

    """

    def __init__(self, runs: Shelf[Run], outcomes: Runs, clock: Clock, *, sleep: Sleep = asyncio.sleep) -> None:
        self._runs = runs
        self._outcomes = outcomes
        self._clock = clock
        self._sleep = sleep

    async def run(
        self,
        run: Run,
        cases: Sequence[Case],
        aim: Aim,
        judges: Sequence[Judge],
        *,
        pace: Pace,
        cut: Cut | None = None,
        told: Callable[[Run], object] = lambda _: None,
    ) -> Run:
        """Try all cases that have no outcome yet; return the run as it ended.

        Args:
            run: its record, which is written.
            cases: the cases of its data set's version.
            aim: what is tried.
            judges: who judges.
            pace: how fast, and how dear.
            cut: what cases belong to, and what they can be cut by.
            told: called with the run after each outcome.

        """
        going = _Going(self, run, aim, judges, pace, cut or Cut(), told)
        try:
            return await going.through(cases)
        except Halted as halted:
            return await going.ended(halted.state, halted.why)
        except BaseException as error:
            why = "it was interrupted" if isinstance(error, asyncio.CancelledError | KeyboardInterrupt) else str(error)
            await asyncio.shield(going.ended("paused", why))
            raise

    @property
    def parts(self) -> tuple[Shelf[Run], Runs, Clock, Sleep]:
        """What it was made with."""
        return self._runs, self._outcomes, self._clock, self._sleep


class _Going:
    """A run under way."""

    def __init__(
        self,
        runner: Runner,
        run: Run,
        aim: Aim,
        judges: Sequence[Judge],
        pace: Pace,
        cut: Cut,
        told: Callable[[Run], object],
    ) -> None:
        self._runs, self._outcomes, self._clock, sleep = runner.parts
        self._run = run
        self._aim = aim
        self._judges = judges
        self._pace = pace
        self._cut = cut
        self._told = told
        self._gate = Gate(pace, self._clock, sleep)
        self._purse = Purse(None, Decimal(0), 0)
        self._keep = Keep(self._outcomes, run)
        self._jury = Jury(judges, self._gate)
        self._seen = -_EVERY
        self._begun = False

    async def through(self, cases: Sequence[Case]) -> Run:
        """Try what is left."""
        trials = trials_of(cases, self._aim, self._judges, trials=self._run.trials, seed=self._run.settings.get("seed"))
        self._run = self._run.but(
            state="running", why="", cases=len(cases), answered=0, failed=0, cached=0, ended_ns=0, target=self._aim.target,
            indexes=self._aim.indexes,
            scorers={judge.name: judge.version for judge in self._judges},
        )  # fmt: skip
        left = await self._left(trials)
        await self._write(force=True)
        known = await self._known(left)
        await self._take_over(left, known)
        left = [each for each in left if each.key not in known]
        rest = iter(left)
        if not self._purse.knows:
            for each in rest:  # the first one tells what a case costs
                await self._one(each, known.get(each.asked))
                break
        await self._together(rest, known)
        return await self.ended("done", "")

    async def ended(self, state: str, why: str) -> Run:
        """Write how the run ended; return it."""
        if state == "stopped" and why:
            tried = self._run.answered + self._run.failed
            why = f"{why}: {tried:,} of {self._run.cases * self._run.trials:,} were tried"
        self._run = self._run.but(state=state, why=why, ended_ns=self._clock.now_ns())
        await self._write(force=True)
        return self._run

    async def _left(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return what has no outcome yet, and count what has."""
        figures = await self._outcomes.figures(self._run.id, self._run.tenant)
        there = dict(
            zip(
                zip(figures.cases, figures.trials, strict=True),
                zip(figures.keys, figures.states, figures.cached, strict=True),
                strict=True,
            )
        )
        self._begun = len(figures) > 0
        paid = [each for each in figures.paid if each is not None]
        self._purse = Purse(self._pace.budget, sum(paid, Decimal(0)), sum(1 for each in paid if each))
        left: list[Trial] = []
        answered = failed = cached = 0
        for each in trials:
            key, state, taken = there.get(each.place, ("", "", False))
            if key != each.key or (state == "failed" and self._pace.again):
                left.append(each)
                continue
            answered, failed, cached = answered + (state == "answered"), failed + (state == "failed"), cached + taken
        self._run = self._run.but(answered=answered, failed=failed, cached=cached, cost=self._purse.spent)
        return left

    async def _known(self, trials: Sequence[Trial]) -> dict[str, Outcome]:
        """Return what was answered before, by key and by what was asked."""
        found: dict[str, Outcome] = {}
        if self._pace.reuse and self._aim.lasting:
            for start in range(0, len(trials), _KNOWN_AT_ONCE):
                some = trials[start : start + _KNOWN_AT_ONCE]
                keys = [key for each in some for key in (each.key, each.asked)]
                found |= await self._outcomes.known(keys, tenant=self._run.tenant)
        elif self._begun:
            # What this very run was answered, and had not judged yet when it was killed, is paid for.
            own = await self._outcomes.find(self._run.id, [each.place for each in trials], tenant=self._run.tenant)
            found = {each.asked: each for each in own if each.asked}
        return found

    async def _take_over(self, left: Sequence[Trial], known: dict[str, Outcome]) -> None:
        taken = [(each, known[each.key]) for each in left if each.key in known]
        for start in range(0, len(taken), _KNOWN_AT_ONCE):
            some = [
                self._marked(each, old).but(cached=True, paid=Decimal(0), at_ns=self._clock.now_ns())
                for each, old in taken[start : start + _KNOWN_AT_ONCE]
            ]
            await self._outcomes.put(self._run.id, some, tenant=self._run.tenant)
            for outcome in some:
                self._count(outcome)
            await self._write()

    async def _together(self, rest: Iterator[Trial], known: dict[str, Outcome]) -> None:
        async def work() -> None:
            for each in rest:
                await self._one(each, known.get(each.asked))

        workers = [asyncio.create_task(work()) for _ in range(self._pace.concurrency)]
        try:
            await asyncio.gather(*workers)
        except Halted:
            # Those under way are finished: they are paid for. Nobody begins another.
            for _ in rest:
                pass
            await asyncio.gather(*workers, return_exceptions=True)
            raise
        finally:
            for each in workers:
                each.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _one(self, trial: Trial, old: Outcome | None) -> None:
        """Ask and judge one case, and keep what became of it."""
        self._purse.take()
        try:
            outcome = await self._outcome(trial, old)
            await self._keep(outcome)
        except BaseException:
            self._purse.give_back()
            raise
        self._count(outcome)
        await self._write()
        self._purse.pay(outcome.paid)

    async def _outcome(self, trial: Trial, old: Outcome | None) -> Outcome:
        blank = self._marked(trial, Outcome(case=trial.case.id)).but(at_ns=self._clock.now_ns())
        told = list(old.told) if old is not None else []
        if old is not None:
            reply = Reply(
                text=old.answer, contexts=old.contexts, input_tokens=old.input_tokens, output_tokens=old.output_tokens,
                cost=old.answer_cost, duration_ms=old.duration_ms, first_ms=old.first_ms, trace=old.trace,
            )  # fmt: skip
            paid: Decimal | None = Decimal(0)
        else:
            try:
                reply = await self._asked(trial, told)
            except Problem as problem:
                reasons = {"error": sentence(problem)}
                return blank.but(state="failed", asked="", paid=failed_cost(problem), reasons=reasons, told=tuple(told))
            paid = reply.cost
        # What is no app leaves no call, within which judges' calls could be found again.
        within = reply.trace or next(iter(told), "") or new_id(self._clock.now_ns())
        if within != reply.trace and within not in told:
            told.append(within)
        answered = blank.but(
            answer=reply.text,
            contexts=reply.contexts,
            answer_cost=reply.cost,
            cost=reply.cost,
            paid=paid,
            duration_ms=reply.duration_ms,
            first_ms=reply.first_ms,
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            trace=reply.trace,
            told=tuple(told),
        )
        if self._jury.pays and old is None:
            await self._keep(answered.but(key=""))
        return await self._jury.judged(trial.case, reply, answered, within)

    async def _asked(self, trial: Trial, told: list[str]) -> Reply:
        """Return the answer, after all waits that are asked for; the traces of tries in vain are added to `told`.

        Raises:
            Problem: there is none.

        """
        tries = 0
        while True:
            await self._gate.passed()
            try:
                async with asyncio.timeout(self._pace.timeout):
                    return await self._aim.ask(trial.case, trial.trial)
            except TimeoutError:
                raise Unavailable(
                    "upstream_timeout", f"No answer within {self._pace.timeout:g} seconds.", who=self._aim.target.name
                ) from None
            except Problem as problem:
                if "trace" in problem.details:
                    told.append(str(problem.details["trace"]))
                if not self._gate.waits(problem, tries):
                    raise
            tries += 1

    def _marked(self, trial: Trial, outcome: Outcome) -> Outcome:
        """Return an outcome under the place and keys of a trial."""
        return outcome.but(
            case=trial.case.id,
            trial=trial.trial,
            key=trial.key,
            asked=trial.asked,
            group=self._cut.group(trial.case),
            slices=self._cut.slices(trial.case),
        )

    def _count(self, outcome: Outcome) -> None:
        run = self._run
        self._run = run.but(
            answered=run.answered + (outcome.state == "answered"),
            failed=run.failed + (outcome.state == "failed"),
            cached=run.cached + outcome.cached,
            cost=run.cost + (outcome.paid or 0),
        )
        self._told(self._run)

    async def _write(self, *, force: bool = False) -> None:
        """Write the record now and then, and see whether somebody wants the run to stop.

        Raises:
            Halted: somebody does.

        """
        now = self._clock.monotonic()
        if not force and now - self._seen < _EVERY:
            return
        self._seen = now
        if force:
            await self._runs.put(self._run)
            return
        found = await self._runs.versioned(self._run.id, self._run.tenant)
        if found is None:
            raise Mistaken("not_found", "the run was removed while it ran", place="run")
        there, version = found
        if there.state in {"stopped", "paused"}:
            raise Halted(there.state, there.why)
        try:
            await self._runs.put(self._run, expect=version)
        except Mistaken as problem:
            if problem.code != "conflict":
                raise
            self._seen = -_EVERY  # somebody wrote it meanwhile, perhaps to stop it: look again at once
