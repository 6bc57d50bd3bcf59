"""Asks canaries' prompts when their time has come: a job for each, so that neither a restart nor a second process asks twice."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

import msgspec

from rowen.evaluate.canary.base import CanaryTable, Reading, Said, group_of, newest
from rowen.evaluate.canary.differ import judged
from rowen.jobs import Handler, Queue, Task
from rowen.store.base import Records
from rowen.values import Answer, Clock, Deployment, Problem, Request, says

CANARY = "evaluate.canary"

KEPT = 400
"""Readings of a canary at a deployment that are kept."""

_LONGEST = 2_000


class Asked(NamedTuple):
    """A whole answer of one deployment, and how long it took."""

    answer: Answer
    ms: float
    cost: Decimal | None = None
    """US dollars."""


class Canary(NamedTuple):
    """One canary of an app that is served."""

    app: str
    name: str
    table: CanaryTable
    places: tuple[Deployment, ...]
    """Where it is asked."""

    @property
    def job(self) -> str:
        """The id of its job."""
        return f"{CANARY}:{self.app}:{self.name}"


AskPlace = Callable[[str, Deployment, Request], Awaitable[Asked]]
"""Asks one deployment of an app past all caches. Raises `Problem`."""


class Canaries:
    """Keeps what the canaries of all apps read.

    Args:
        records: where readings stand.
        queue: where the jobs are.
        canaries: gives the canaries of the apps as they are served now.
        ask: asks one deployment.
        clock: the time.

    """

    def __init__(
        self,
        records: Records,
        queue: Queue,
        canaries: Callable[[], Sequence[Canary]],
        ask: AskPlace,
        clock: Clock,
    ) -> None:
        self.readings = Reading.shelf(records)
        self._queue = queue
        self._canaries = canaries
        self._ask = ask
        self._clock = clock

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Who does which kind of job."""
        return {CANARY: self.work}

    async def queue_written(self) -> None:
        """See that there is a job for every canary that an app writes."""
        for canary in self._canaries():
            await self._queue.keep(
                CANARY,
                id=canary.job,
                app=canary.app,
                every_ns=int(canary.table.every * 1e9),
                input={"canary": canary.name},
                about=f"asks the prompts of the canary {canary.name} of {canary.app}",
            )

    async def work(self, task: Task) -> dict[str, Any]:
        """Ask the prompts of one canary once; the job. One that is not written any more is cancelled."""
        canary = next((each for each in self._canaries() if each.job == task.id), None)
        if canary is None:
            await self._queue.cancel(task.id, task.tenant)
            return {}
        found: dict[str, Any] = {}
        for number, place in enumerate(canary.places):
            task.progress(number, len(canary.places), place.name)
            found[place.name] = (await self._read(task, canary, place)).why or "as before"
        return found

    async def latest(self, app: str = "") -> list[Reading]:
        """Return the newest reading of every canary at every deployment."""
        return await newest(self.readings, app)

    async def changes(self, since_ns: int) -> list[Reading]:
        """Return the readings since a moment that differ from those before them, newest first."""
        return await self.readings.find(state="changed", since_ns=since_ns)

    def asked(self, reading: Reading) -> tuple[str, ...]:
        """Return the prompts of a reading; none where the app writes other ones now, or is not served."""
        return next(
            (
                canary.table.asked
                for canary in self._canaries()
                for place in canary.places
                if (canary.app, canary.name, place.name) == (reading.app, reading.canary, reading.deployment)
                and _hash(canary.table, place) == reading.prompts
            ),
            (),
        )

    async def _read(self, task: Task, canary: Canary, place: Deployment) -> Reading:
        table = canary.table
        answers = []
        for number, prompt in enumerate(table.asked):
            said = []
            for time in range(table.asks):
                key = f"{place.name}\x00{number}\x00{time}"
                kept = await task.step(key, partial(self._say, canary, place, prompt))
                said.append(msgspec.convert(kept, Said, strict=False))
            answers.append(tuple(said))
        now = self._clock.now_ns()
        reading = Reading(
            id=f"{hashlib.sha256(canary.job.encode()).hexdigest()[:12]}-{place.name}-{now}",
            app=canary.app,
            canary=canary.name,
            deployment=place.name,
            model=place.upstream,
            prompts=_hash(table, place),
            answers=tuple(answers),
            at_ns=now,
        )
        before = await self._before(canary, place, table.baseline)
        # A third of a second of drawing: in a thread, so that calls are answered meanwhile.
        found = await asyncio.to_thread(judged, reading, before, expect=table.expect, error=table.error)
        reading = reading.but(changed=found.changed, p=found.p, why=found.why)
        await self.readings.put(reading)
        await self._forget(canary, place)
        return reading

    async def _say(self, canary: Canary, place: Deployment, prompt: str) -> Said:
        table = canary.table
        request = Request(
            model=place.model,
            messages=(says("user", prompt),),
            max_tokens=table.max_tokens,
            temperature=table.temperature,
            logprobs=place.profile.logprobs,
        )
        try:
            answer, ms, cost = await self._ask(canary.app, place, request)
        except Problem as problem:
            return Said(error=f"{problem.code}: {problem.message}")
        return Said(
            text=answer.text[:_LONGEST],
            served=answer.model,
            fingerprint=str(answer.extra.get("system_fingerprint") or ""),
            tokens=answer.usage.output_tokens,
            likely=_likely(answer),
            ms=ms,
            cost=cost,
        )

    async def _before(self, canary: Canary, place: Deployment, most: int) -> list[Reading]:
        """Return the last readings up to the last change, that one included; those without answers are passed over."""
        found: list[Reading] = []
        for each in await self.readings.find(group=group_of(canary.app, canary.name, place.name), limit=4 * most):
            if each.failed * 2 <= sum(map(len, each.answers)):
                found.append(each)
            if each.changed or len(found) == most:
                break
        return found

    async def _forget(self, canary: Canary, place: Deployment) -> None:
        group = group_of(canary.app, canary.name, place.name)
        for each in (await self.readings.find(group=group, limit=KEPT + 100))[KEPT:]:
            await self.readings.delete(each.id)


def _hash(table: CanaryTable, place: Deployment) -> str:
    """Return what tells readings apart that cannot be compared: of other prompts, or of another model by name."""
    asked = (table.asked, table.max_tokens, table.temperature, place.provider, place.upstream)
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:16]


def _likely(answer: Answer) -> float | None:
    found = [
        float(each["logprob"]) for each in (answer.choices[0].logprobs if answer.choices else ()) if "logprob" in each
    ]
    return sum(found) / len(found) if found else None
