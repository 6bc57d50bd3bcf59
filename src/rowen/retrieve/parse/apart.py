"""A process apart for parsers: whatever a file does to it, the server goes on, and the file has a named reason."""

import asyncio
import contextlib
import sys
from collections.abc import Sequence

import msgspec

from rowen.retrieve.parse.base import Limits, Parsed
from rowen.values import Mistaken, Value

COMMAND = (sys.executable, "-m", "rowen.retrieve.parse.child")
_OLD = 500  # after so many files the process is replaced, whatever its libraries have kept
_HEAD = 4


class Asked(Value, frozen=True, kw_only=True):
    """One original for the process apart; its bytes follow."""

    kind: str
    name: str
    size: int
    limits: Limits


class Told(Value, frozen=True, kw_only=True):
    """What came of it."""

    parsed: Parsed | None = None
    code: str = ""
    message: str = ""


class Apart:
    """One process, started when it is first needed, replaced when it dies, hangs or grows old."""

    def __init__(self, limits: Limits, command: Sequence[str] = COMMAND) -> None:
        self._limits = limits
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._done = 0

    async def parse(self, kind: str, data: bytes, name: str) -> Parsed:
        """Let the parser of a kind read an original there.

        Raises:
            Mistaken: what the parser raised; `document_slow`, `document_crashed`.

        """
        async with self._lock:
            try:
                told = await self._told(Asked(kind=kind, name=name, size=len(data), limits=self._limits), data)
            except BaseException:
                await self._end()  # what is left in its pipes belongs to nobody
                raise
            self._done += 1
            if self._done >= _OLD:
                await self._end()
        if told.parsed is None:
            raise Mistaken(told.code, told.message, place=name)
        return told.parsed

    async def close(self) -> None:
        """End the process."""
        async with self._lock:
            await self._end()

    async def _told(self, asked: Asked, data: bytes) -> Told:
        process = self._process or await self._begin()
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await _talk(process, asked, data)
        except TimeoutError as error:
            message = f"it was not read within {self._limits.seconds:g} seconds"
            raise Mistaken("document_slow", message, place=asked.name) from error
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError) as error:
            raise Mistaken("document_crashed", "its parser crashed", place=asked.name) from error

    async def _begin(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self._done = 0
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        assert process.stdin is not None
        process.stdin.close()
        with contextlib.suppress(ConnectionError):
            await process.stdin.wait_closed()


async def _talk(process: asyncio.subprocess.Process, asked: Asked, data: bytes) -> Told:
    assert process.stdin is not None
    assert process.stdout is not None
    head = msgspec.msgpack.encode(asked)
    process.stdin.write(len(head).to_bytes(_HEAD, "big") + head)
    process.stdin.write(data)
    await process.stdin.drain()
    size = int.from_bytes(await process.stdout.readexactly(_HEAD), "big")
    return msgspec.msgpack.decode(await process.stdout.readexactly(size), type=Told)
