"""The load generator, a process of its own: jobs as JSON lines on standard input, results on standard output.

It speaks HTTP/1.1 on kept connections and does as little as it can with what comes back: it knows where an answer ends,
counts the events of a stream, and notes the times.
"""

import asyncio
import json
import sys
import time
from array import array
from collections.abc import Callable
from typing import Any

import uvloop

now = time.perf_counter_ns


class Tally:
    """What a job has seen. Times are nanoseconds."""

    def __init__(self) -> None:
        self.done = 0
        self.errors = 0
        self.said = ""
        self.events = 0
        self.total = array("q")
        self.first = array("q")
        self.gaps = 0
        self.stalls = 0
        self.stalled_streams = 0
        self.largest_gap = 0

    def result(self, wall: float) -> dict[str, Any]:
        return {
            "n": self.done,
            "errors": self.errors,
            "said": self.said,
            "wall": wall,
            "events": self.events / self.done if self.done else 0,
            **{f"total_{name}": value for name, value in _spread(self.total).items()},
            **{f"first_{name}": value for name, value in _spread(self.first).items()},
            "largest_gap_ms": self.largest_gap / 1e6,
            "stalls": self.stalls,
            "gaps": self.gaps,
            "stalled_streams": self.stalled_streams,
        }


def _spread(times: array) -> dict[str, float]:
    """Percentiles in microseconds."""
    if not times:
        return {}
    ordered = sorted(times)
    at = lambda share: ordered[min(int(share * len(ordered)), len(ordered) - 1)] / 1e3  # noqa: E731
    return {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": ordered[-1] / 1e3}


STALL = 100_000_000
"""A gap within a stream that counts as a stall, in nanoseconds."""


class Line(asyncio.Protocol):
    """One kept connection. Asks when told to; calls `ended(line)` when the answer is whole or the connection lost."""

    def __init__(self, payload: bytes, tally: Tally, ended: Callable[["Line"], None]) -> None:
        self.payload = payload
        self.tally = tally
        self.ended = ended
        self.busy = False
        self.lost = False
        self.first = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def ask(self) -> None:
        self.busy = True
        self.head = b""
        self.in_body = False
        self.left = -1
        self.tail = b""
        self.first = self.last = self.widest = 0
        self.sent = now()
        self.transport.write(self.payload)

    def data_received(self, data: bytes) -> None:
        came = now()
        if not self.in_body:
            data = self._read_head(data)
            if not self.in_body or not (data or self.left == 0):
                return
        if self.left >= 0:
            self.left -= len(data)
            if self.left <= 0:
                self._end(came)
            return
        self._stream(data, came)

    def _read_head(self, data: bytes) -> bytes:
        self.head += data
        at = self.head.find(b"\r\n\r\n")
        if at < 0:
            return b""
        head, rest = self.head[:at].lower(), self.head[at + 4 :]
        self.in_body = True
        self.streamed = b"text/event-stream" in head
        length = head.find(b"content-length:")
        if length >= 0:
            self.left = int(head[length + 15 :].split(b"\r", 1)[0])
        if head[9:12] != b"200":
            self.tally.errors += 1
            self.tally.said = self.tally.said or (head[:40] + b" " + rest[:300]).decode("latin-1")
        return rest

    def _stream(self, data: bytes, came: int) -> None:
        if self.streamed:
            found = data.count(b"data: {")
            self.tally.events += found
            if not self.first:
                if found:
                    self.first = came
            else:
                gap = came - self.last
                self.tally.gaps += 1
                if gap > self.widest:
                    self.widest = gap
                if gap > STALL:
                    self.tally.stalls += 1
            self.last = came
        self.tail = (self.tail + data)[-48:]
        if self.tail.endswith(b"0\r\n\r\n") and (not self.streamed or b"[DONE]" in self.tail):
            self._end(came)

    def _end(self, came: int) -> None:
        self.busy = False
        tally = self.tally
        tally.done += 1
        tally.total.append(came - self.sent)
        if self.first:
            tally.first.append(self.first - self.sent)
            tally.largest_gap = max(tally.largest_gap, self.widest)
            tally.stalled_streams += self.widest > STALL
        self.ended(self)

    def connection_lost(self, _: Exception | None) -> None:
        self.lost = True
        if self.busy:
            if self.in_body and self.left < 0 and b"[DONE]" in self.tail:
                self._end(now())  # ended by closing, which HTTP/1.1 allows
                return
            self.busy = False
            self.tally.errors += 1
            self.tally.said = self.tally.said or "connection lost in the middle of an answer"
            self.ended(self)


async def connected(target: dict[str, Any], tally: Tally, ended: Callable[[Line], None]) -> Line:
    loop = asyncio.get_running_loop()
    payload = target["payload"].encode()
    _, line = await loop.create_connection(lambda: Line(payload, tally, ended), "127.0.0.1", target["port"])
    return line


async def calls(job: dict[str, Any]) -> dict[str, Any]:
    """`concurrency` connections asking again and again for `seconds`, `most` times at most; every answer is awaited."""
    tally = Tally()
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    until = 0.0
    going = 0
    most = job.get("most", sys.maxsize)

    def ended(line: Line) -> None:
        nonlocal going
        if loop.time() < until and tally.errors < 100 and tally.done + going <= most:
            if line.lost:
                task = loop.create_task(again())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            else:
                line.ask()
            return
        going -= 1
        line.transport.close()
        if going <= 0:
            over.set()

    async def again() -> None:
        nonlocal going
        try:
            line = await connected(job["target"], tally, ended)
        except OSError as error:
            tally.errors += 1
            tally.said = tally.said or str(error)
            going -= 1
            if going <= 0:
                over.set()
            return
        line.ask()

    tasks: set[asyncio.Task[None]] = set()
    lines = [await connected(job["target"], tally, ended) for _ in range(job["concurrency"])]
    going = len(lines)
    started = loop.time()
    ramp = job.get("ramp", 0.0)
    until = started + ramp + job["seconds"]
    for at, line in enumerate(lines):
        if ramp:
            loop.call_at(started + ramp * at / len(lines), line.ask)
        else:
            line.ask()
    try:
        async with asyncio.timeout(job["seconds"] + ramp + job.get("patience", 60)):
            await over.wait()
    except TimeoutError:
        tally.errors += 1
        tally.said = tally.said or "answers still missing at the end"
        for line in lines:
            line.busy = False
            line.transport.abort()
    return tally.result(loop.time() - started)


async def alternate(job: dict[str, Any]) -> dict[str, Any]:
    """One call at a time, to each target in turn, so that all of them see the same machine."""
    loop = asyncio.get_running_loop()
    tallies = {name: Tally() for name in job["targets"]}
    waiting: asyncio.Future[None] | None = None

    def ended(_: Line) -> None:
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    lines: dict[str, Line] = {}
    for turn in range(job["n"] + job.get("warm", 5)):
        for name, target in job["targets"].items():
            tally = tallies[name]
            if turn == job.get("warm", 5):
                tally.total, tally.first = array("q"), array("q")
            line = lines.get(name)
            if line is None or line.lost:
                line = lines[name] = await connected(target, tally, ended)
            waiting = loop.create_future()
            line.ask()
            try:
                async with asyncio.timeout(30):
                    await waiting
            except TimeoutError:
                tally.errors += 1
                line.busy = False
                line.lost = True
                line.transport.abort()
    for line in lines.values():
        line.busy = False
        line.transport.close()
    return {name: tally.result(0) for name, tally in tallies.items()}


class Held:
    """Streams that were opened and hang after their first chunk."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    async def open(self, job: dict[str, Any]) -> dict[str, Any]:
        tally = Tally()
        for _ in range(job["n"]):
            line = await connected(job["target"], tally, lambda _: None)
            line.ask()
            self.lines.append(line)
            if len(self.lines) % 50 == 0:
                await asyncio.sleep(0.05)
        for _ in range(100):
            if all(line.first or line.lost for line in self.lines):
                break
            await asyncio.sleep(0.1)
        return {"open": sum(1 for line in self.lines if line.first), "errors": tally.errors, "said": tally.said}

    async def release(self, _: dict[str, Any]) -> dict[str, Any]:
        for line in self.lines:
            line.busy = False
            line.transport.abort()
        self.lines = []
        return {}


async def main() -> None:
    held = Held()
    jobs = {"calls": calls, "alternate": alternate, "hold": held.open, "release": held.release}
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while text := await reader.readline():
        job = json.loads(text)
        try:
            result = await jobs[job["job"]](job)
        except Exception as error:
            result = {"n": 0, "errors": 1, "said": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
