"""The bounded buffer between calls and the store: the hot path only appends; one task writes batches."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from rowen.values import Call, Problem, Trace

log = logging.getLogger(__name__)

Make = Callable[[Call], Trace]
Write = Callable[[Sequence[Trace]], Awaitable[None]]

_IN_A_TURN = 20
"""Traces made before other work gets its turn: about a millisecond."""


class Buffer:
    """Takes finished calls and writes their traces in batches.

    A call is written at most `every` seconds after it ended, so a killed process loses no more than that. When the
    store cannot keep up, or cannot write, the oldest calls beyond `size` are dropped, and the next trace written says
    how many (`rowen.dropped_before`). A clean stop (`close`) writes everything.

    Args:
        write: the store's batch write.
        export: a second place for the same batches (an OTLP collector); its failures never hold up the first.
        every: seconds between writes.
        size: calls held at most.
        batch: traces in one write at most.

    """

    def __init__(
        self, write: Write, *, export: Write | None = None, every: float = 0.25, size: int = 20_000, batch: int = 500
    ) -> None:
        self._write = write
        self._export = export
        self._every = every
        self._size = size
        self._batch = batch
        self._waiting: deque[tuple[Call, Make]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._exports: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._writing = asyncio.Lock()
        self._under_way = 0
        self._unsaid = 0
        self.dropped = 0
        self.written = 0
        self.failing = ""
        """The sentence of the last failed write; empty while writes succeed."""

    def add(self, call: Call, make: Make) -> None:
        """Take a finished call. Never waits."""
        if len(self._waiting) >= self._size:
            self._waiting.popleft()
            self.dropped += 1
            self._unsaid += 1
        self._waiting.append((call, make))

    def __len__(self) -> int:
        """How many are not written yet, those of a write under way among them."""
        return len(self._waiting) + self._under_way

    def start(self) -> None:
        """Begin to write in the background."""
        self._task = asyncio.create_task(self._run(), name="trace buffer")

    async def close(self) -> None:
        """Write what waits and stop."""
        self._stopping.set()
        if self._task:
            await self._task
        await self.flush()
        if self._exports:
            await asyncio.wait(self._exports, timeout=5)

    async def flush(self) -> None:
        """Write what waits, as far as the store takes it; a write under way is waited for."""
        async with self._writing:
            while self._waiting and await self._one_batch():
                pass

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self.flush()
            try:
                await asyncio.wait_for(self._stopping.wait(), self._every)
            except TimeoutError:
                continue

    async def _one_batch(self) -> bool:
        """Write one batch; put it back and return False when the store refuses."""
        taken = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
        self._under_way = len(taken)
        traces: list[Trace] = []
        for call, make in taken:
            traces.append(make(call))
            if len(traces) % _IN_A_TURN == 0:
                await asyncio.sleep(0)  # streams under way are not to wait for hundreds of traces
        if self._unsaid:
            traces[0] = _saying(traces[0], self._unsaid)
        try:
            await self._write(traces)
        except Problem as problem:
            if not self.failing:
                log.warning("traces cannot be written: %s", problem)
            self.failing = str(problem)
            self._waiting.extendleft(reversed(taken))
            return False
        finally:
            self._under_way = 0
        self.failing = ""
        self._unsaid = 0
        self.written += len(traces)
        if self._export is not None:
            task = asyncio.create_task(self._exported(traces))
            self._exports.add(task)
            task.add_done_callback(self._exports.discard)
        return True

    async def _exported(self, traces: Sequence[Trace]) -> None:
        assert self._export is not None
        try:
            await self._export(traces)
        except Problem as problem:
            log.warning("%d traces were not exported: %s", len(traces), problem)


def _saying(trace: Trace, dropped: int) -> Trace:
    root, *rest = trace.spans
    root = root.but(attributes={**root.attributes, "rowen.dropped_before": dropped})
    return trace.but(spans=(root, *rest))
