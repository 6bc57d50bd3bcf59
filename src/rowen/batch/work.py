"""The job that works on a batch: line by line, with every result kept before it counts, and on from there after a kill."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Protocol

from rowen.batch.base import ENDED, Batch, LineFault, State
from rowen.batch.desk import Batches
from rowen.batch.file import RESULT, File, result_id, results
from rowen.batch.lines import Line, line_of
from rowen.jobs import Halted, Later, Task
from rowen.store.base import Record, Records
from rowen.values import Broken, Clock, Mistaken, Problem, Refused, Value, new_id

_S = 1_000_000_000
_FAULTS = 50
"""Wrong lines that are told of one file."""


class Doorway(Protocol):
    """The door of an endpoint, without a connection: what each line is put to, and how its result is written."""

    whole: bool
    """Whether answers and errors are one file."""

    async def answer(self, batch: Batch, line: Line, id: str) -> bytes:
        """Return the result of a line, as JSON.

        Raises:
            Problem: there is none.

        """
        ...

    def refusal(self, batch: Batch, line: Line, problem: Problem, id: str) -> bytes:
        """Return the result of a line that was not answered."""
        ...

    def unasked(self, batch: Batch, line: Line, id: str) -> bytes:
        """Return the result of a line that was not put to a model, since the batch ended; empty where it has none."""
        ...


class WorkSettings(Value, frozen=True, kw_only=True):
    """How batches are worked on. Times are seconds."""

    at_once: int = 4
    """Lines of one batch that one process has under way."""
    lines: int = 50_000
    """Lines of a batch at most."""
    slice: float = 10.0
    """After how long other jobs get their turn."""
    told: float = 1.0
    """How often progress is written, and looked whether the batch is to end."""
    passes: int = 5
    """How often a line is tried whose provider failed, its route's own attempts aside."""
    wait: float = 10.0
    """From the first pass to the second; it doubles, up to ten minutes."""


class Work:
    """Works on batches.

    Args:
        records: where results are kept.
        desk: where batches stand.
        doorways: by endpoint.
        clock: what time it is.
        settings: how.

    """

    def __init__(
        self,
        records: Records,
        desk: Batches,
        doorways: Mapping[str, Doorway],
        clock: Clock,
        settings: WorkSettings | None = None,
    ) -> None:
        self.records = records
        self.desk = desk
        self.doorways = doorways
        self.clock = clock
        self.settings = settings or WorkSettings()

    async def __call__(self, task: Task) -> dict[str, object]:
        """Work on a batch until it has ended, or for a while.

        Raises:
            Later: there is more to do, now or when a limit lets it.
            Halted: the job is to stop.

        """
        batch = await self.desk.shelf.get(task.id, task.tenant)
        if batch is None or batch.state in ENDED:
            return {}
        file = await self.desk.files.inner(batch.input, batch.tenant)
        if file is None:
            return await self._failed(batch, LineFault(line=0, code="not_found", message="The file was deleted."))
        if not batch.begun_ns:
            if faults := await self._faults(batch, file):
                return await self._failed(batch, *faults)
            begun = self.clock.now_ns()
            total = await self._counted(file)

            def begin(now: Batch) -> Batch:
                state = "in_progress" if now.state == "validating" else now.state
                return now.but(state=state, total=total, begun_ns=begun)

            batch = await self.desk.shelf.amend(batch.id, begin, batch.tenant) or batch
        return await _Run(self, task, batch, file).go()

    async def _failed(self, batch: Batch, *faults: LineFault) -> dict[str, object]:
        await self.desk.ended(batch.but(faults=faults), "failed")
        return {"state": "failed", "faults": len(faults)}

    async def _counted(self, file: File) -> int:
        """Return how many lines hold a request."""
        return sum(
            [sum(bool(each.strip()) for each in await self.desk.files.piece(file, n)) for n in range(len(file.pieces))]
        )

    async def _faults(self, batch: Batch, file: File) -> list[LineFault]:
        """Return what is wrong with a file, line by line: such a batch is not begun."""
        faults: list[LineFault] = []
        seen: dict[str, int] = {}
        for number, first in enumerate(file.pieces):
            for at, text in enumerate(await self.desk.files.piece(file, number), first):
                try:
                    line = line_of(text, at, batch.endpoint)
                    if line is None:
                        continue
                    _take(line, seen)
                except Mistaken as mistake:
                    faults.append(LineFault(line=at, code=mistake.code, message=mistake.message, place=mistake.place))
                if len(faults) == _FAULTS:
                    return faults
        if len(seen) > self.settings.lines:
            message = f"a batch has {self.settings.lines:,} lines at most, not {len(seen):,}"
            faults.append(LineFault(line=0, code="field_invalid", message=message, place="input_file_id"))
        elif not seen and not faults:
            faults.append(LineFault(line=0, code="field_invalid", message="the file is empty", place="input_file_id"))
        return faults


def _take(line: Line, seen: dict[str, int]) -> None:
    if (other := seen.setdefault(line.custom_id, line.number)) != line.number:
        raise Mistaken("field_invalid", f"custom_id was used in line {other}", place="custom_id")


class _Run:
    """One stretch of work on one batch."""

    def __init__(self, work: Work, task: Task, batch: Batch, file: File) -> None:
        self._work, self._task, self._file = work, task, file
        self._batch = batch
        self._door = work.doorways[batch.endpoint]
        self._tally = batch.before
        self._until = work.clock.monotonic() + work.settings.slice
        self._tell_at = 0.0
        self._stop = ""
        self._again_ns = 0
        self._why = ""
        self._left = False
        """Whether lines were put aside in this pass."""

    async def go(self) -> dict[str, object]:
        """Work; return what came of it, when it has ended."""
        work, start = self._work, self._batch.piece
        for number in range(start, len(self._file.pieces)):
            await self._piece(number)
            if self._stop:
                break
            if not self._left:
                await self._tell(piece=number + 1)
        match self._stop:
            case "":
                return await self._over()
            case "slice" | "limit":
                await self._tell()
                raise Later(self._again_ns or work.clock.now_ns(), self._why)
            case "halt":
                await self._halted()
        return await self._end("expired" if self._stop == "expired" else "cancelled")

    async def _piece(self, number: int) -> None:
        """Do the lines of a piece that have no result yet."""
        first = self._file.pieces[number]
        texts = await self._work.desk.files.piece(self._file, number)
        batch = self._batch
        found = await results(self._work.records, batch.tenant, batch.id, first, first + len(texts))
        for each in found:
            self._tally = self._tally.plus(each.state, len(each.body))
        known = {each.at_ns for each in found}
        lines = (line_of(text, at, batch.endpoint) for at, text in enumerate(texts, first) if at not in known)
        waiting = deque(line for line in lines if line is not None)

        async def one_after_another() -> None:
            while waiting:
                line = waiting.popleft()
                if await self._stopping():
                    return
                await self._one(line)

        tasks = [
            asyncio.create_task(one_after_another()) for _ in range(min(self._work.settings.at_once, len(waiting)))
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, line: Line) -> None:
        """Put a line to its door and keep what came of it, unless it is to be tried again."""
        id = new_id(self._work.clock.now_ns())
        try:
            result, state = await self._door.answer(self._batch, line, id), "ok"
        except Problem as problem:
            if isinstance(problem, Refused) and problem.status == 429:
                self._stop, self._why = "limit", problem.message
                wait = max(problem.retry_after or 0.0, 1.0)
                self._again_ns = max(self._again_ns, self._work.clock.now_ns() + round(wait * _S))
                return
            failed = problem.status >= 500 and not isinstance(problem, Broken)
            if failed and self._batch.passes + 1 < self._work.settings.passes:
                self._left, self._why = True, problem.message
                return
            result, state = self._door.refusal(self._batch, line, problem, id), "bad"
        await self._keep(line, state, result)

    async def _keep(self, line: Line, state: str, result: bytes) -> None:
        batch = self._batch
        record = Record(
            kind=RESULT,
            id=result_id(batch.id, line.number),
            tenant=batch.tenant,
            group=batch.id,
            state=state,
            at_ns=line.number,
            body=result,
        )
        try:
            await self._work.records.put(record, expect=0)
        except Mistaken:
            return  # another process had this batch meanwhile, and has done this line
        self._tally = self._tally.plus(state, len(result))

    async def _stopping(self) -> str:
        """Return why to stop before the next line; empty to go on."""
        if self._stop:
            return self._stop
        clock = self._work.clock
        try:
            self._task.check()
        except Halted:
            self._stop = "halt"
            return self._stop
        if clock.now_ns() >= self._batch.deadline_ns:
            self._stop = "expired"
        elif clock.monotonic() >= self._tell_at:
            self._tell_at = clock.monotonic() + self._work.settings.told
            await self._tell()
        if self._batch.state == "cancelling":
            self._stop = "cancelled"
        elif not self._stop and clock.monotonic() >= self._until:
            self._stop = "slice"
        return self._stop

    async def _tell(self, *, piece: int = -1, passes: int = -1) -> None:
        """Write how far it is, and hear whether it is to end."""
        tally = self._tally

        def change(now: Batch) -> Batch:
            told = now.but(tally=tally)
            if piece >= 0:
                told = told.but(piece=piece, before=tally)
            return told.but(passes=passes) if passes >= 0 else told

        shelf = self._work.desk.shelf
        self._batch = await shelf.amend(self._batch.id, change, self._batch.tenant) or self._batch
        self._task.progress(tally.ended, self._batch.total, self._why)

    async def _over(self) -> dict[str, object]:
        """All lines were gone through."""
        if not self._left:
            await self._tell()
            return await self._end("cancelled" if self._batch.state == "cancelling" else "completed")
        passes = self._batch.passes + 1
        await self._tell(passes=passes)
        wait = min(600.0, self._work.settings.wait * 2 ** (passes - 1))
        raise Later(min(self._work.clock.now_ns() + round(wait * _S), self._batch.deadline_ns), self._why)

    async def _halted(self) -> None:
        """The job is to stop: a pause keeps the batch as it is, a cancel ends it too."""
        await self._tell()
        try:
            self._task.check()
        except Halted as halted:
            if halted.why == "cancel":
                await self._end("cancelled")
            raise

    async def _end(self, state: State) -> dict[str, object]:
        """End the batch, and give the lines that nobody was asked about their result."""
        if state != "completed":
            await self._unasked(state)
        tally = self._tally
        left = self._batch.total - tally.ended
        batch = self._batch.but(tally=tally.but(unasked=tally.unasked + left))
        ended = await self._work.desk.ended(batch, state, whole=self._door.whole)
        self._task.progress(ended.total, ended.total, "")
        return {"state": state, "ok": tally.ok, "bad": tally.bad, "output": ended.output, "errors": ended.errors}

    async def _unasked(self, state: State) -> None:
        batch = self._batch.but(state=state)
        self._tally = self._batch.before
        for number in range(batch.piece, len(self._file.pieces)):
            first = self._file.pieces[number]
            texts = await self._work.desk.files.piece(self._file, number)
            found = await results(self._work.records, batch.tenant, batch.id, first, first + len(texts))
            for each in found:
                self._tally = self._tally.plus(each.state, len(each.body))
            known = {each.at_ns for each in found}
            for at, text in enumerate(texts, first):
                line = None if at in known else line_of(text, at, batch.endpoint)
                if line is not None and (result := self._door.unasked(batch, line, new_id(self._work.clock.now_ns()))):
                    await self._keep(line, "unasked", result)
