"""Files of lines: what callers sent, kept in pieces that end with a line, and what became of a batch."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Literal

from rowen.batch.base import Holder
from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Clock, Mistaken, Refused, Value, new_id

PIECE = 262_144
"""Bytes of a piece at least, unless the file ends; a longer line makes a longer piece."""
RESULT = "batch.line"
"""The kind of record that the result of a line is: its id is the batch's and the line's number, which `at_ns` is too."""
WINDOW = 200
"""Results that are read together."""

Side = Literal["", "ok", "other", "all"]

_NAME = re.compile(r"[^\w.\- ]")


class Room(Value, frozen=True, kw_only=True):
    """How much may be kept."""

    file: int = 100_000_000
    """Bytes of one file."""
    tenant: int = 1_000_000_000
    """Bytes of all files that one tenant's callers have sent."""
    line: int = 20_000_000
    """Bytes of one line."""


class File(Value, frozen=True, kw_only=True):
    """One file: sent by a caller, or the results of a batch, which are kept once, as they came."""

    id: str
    tenant: str
    key: str
    name: str
    purpose: str
    created_ns: int
    bytes: int = 0
    state: Literal["arriving", "here"] = "here"
    expires_ns: int = 0
    pieces: tuple[int, ...] = ()
    """The number of the first line of each piece, from 1."""
    lines: int = 0
    batch: str = ""
    """For results: whose."""
    side: Side = ""
    """For results: which."""


class Files:
    """The files of one deployment.

    Args:
        records: where they are kept.
        clock: what time it is.
        room: how much.

    """

    def __init__(self, records: Records, clock: Clock, room: Room) -> None:
        self._records = records
        self._clock = clock
        self.room = room

        def described(file: File) -> Record:
            return Record(
                kind="file", id=file.id, tenant=file.tenant, group=file.key, state=file.state, at_ns=file.created_ns
            )

        self._shelf = Shelf(records, "file", File, described)

    async def keep(
        self, holder: Holder, name: str, chunks: AsyncIterator[bytes], *, purpose: str = "batch", expires_ns: int = 0
    ) -> File:
        """Keep a file as it arrives; return it.

        Raises:
            Refused: `body_too_large`: the file, a line of it, or all files of the tenant together. Nothing is kept then.

        """
        now = self._clock.now_ns()
        file = File(
            id=f"file-{new_id(now)}",
            tenant=holder.tenant,
            key=holder.key,
            name=_NAME.sub("_", name)[-200:] or "batch.jsonl",
            purpose=purpose,
            created_ns=now,
            state="arriving",
            expires_ns=expires_ns,
        )
        others = sum(
            each.bytes for each in await self._shelf.find(tenant=holder.tenant, limit=100_000) if not each.batch
        )
        await self._shelf.put(file)
        try:
            return await self._filled(file, chunks, self.room.tenant - others)
        except BaseException:
            await self._drop(file)
            raise

    async def _filled(self, file: File, chunks: AsyncIterator[bytes], left: int) -> File:
        pieces: list[int] = []
        rest, size, lines = bytearray(), 0, 0
        async for chunk in chunks:
            size += len(chunk)
            if size > min(self.room.file, left):
                raise Refused("body_too_large", _too_large(self.room, whole=size > self.room.file), place="file")
            rest += chunk
            while len(rest) >= PIECE and (ends := rest.find(b"\n", PIECE - 1) + 1):
                pieces.append(lines + 1)
                lines += rest.count(b"\n", 0, ends)
                await self._put_piece(file, len(pieces), bytes(rest[:ends]))
                del rest[:ends]
            if len(rest) > self.room.line + PIECE:
                raise Refused("body_too_large", f"a line is longer than {self.room.line:,} bytes", place="file")
        if rest:
            pieces.append(lines + 1)
            lines += rest.count(b"\n") + (not rest.endswith(b"\n"))
            await self._put_piece(file, len(pieces), bytes(rest))
        kept = file.but(state="here", bytes=size, pieces=tuple(pieces), lines=lines)
        await self._shelf.put(kept)
        return kept

    async def _put_piece(self, file: File, number: int, body: bytes) -> None:
        await self._records.put(
            Record(
                kind="file.piece", id=_piece(file, number), tenant=file.tenant, group=file.id, body=body, at_ns=number
            )
        )

    async def get(self, id: str, holder: Holder) -> File:
        """Return a file of a holder.

        Raises:
            Mistaken: `not_found`.

        """
        found = await self._shelf.get(id, holder.tenant)
        if found is None or found.key not in holder.keys or found.state != "here":
            raise Mistaken("not_found", "There is no file of that id.", place="file_id")
        return found

    async def find(self, holder: Holder) -> list[File]:
        """Return the files of a holder, newest first."""
        found = [
            each
            for key in holder.keys
            for each in await self._shelf.find(tenant=holder.tenant, group=key, state="here", limit=10_000)
        ]
        return sorted(found, key=lambda each: (each.created_ns, each.id), reverse=True)

    async def inner(self, id: str, tenant: str) -> File | None:
        """Return a file for the work on it, None when it was deleted."""
        return await self._shelf.get(id, tenant)

    async def result(self, file: File) -> None:
        """Let the results of a batch be a file."""
        await self._shelf.put(file)

    async def piece(self, file: File, number: int) -> list[bytes]:
        """Return the lines of a piece, counted from 0, without what ends them.

        Raises:
            Mistaken: `not_found`: the file was deleted.

        """
        found = await self._records.get("file.piece", _piece(file, number + 1), file.tenant)
        if found is None:
            raise Mistaken("not_found", "The file was deleted.", place="input_file_id")
        lines = found.body.split(b"\n")
        return lines[:-1] if not lines[-1] else lines

    async def content(self, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file."""
        if not file.batch:
            for number in range(len(file.pieces)):
                found = await self._records.get("file.piece", _piece(file, number + 1), file.tenant)
                if found is None:
                    return
                yield found.body
            return
        for first in range(1, file.lines + 1, WINDOW):
            found_ = await results(self._records, file.tenant, file.batch, first, first + WINDOW)
            kept = [each.body for each in found_ if each.body and _on(file.side, each.state)]
            if kept:
                yield b"\n".join(kept) + b"\n"

    async def delete(self, file: File) -> None:
        """Remove a file with what is in it."""
        await self._drop(file)

    async def prune(self, before_ns: int) -> int:
        """Remove files made earlier, and those past the end that their callers gave them; return how many."""
        now, removed = self._clock.now_ns(), 0
        for file in await self._shelf.find(limit=100_000):
            stuck = file.state == "arriving" and file.created_ns < now - 86_400_000_000_000
            if stuck or (before_ns and file.created_ns < before_ns) or 0 < file.expires_ns <= now:
                await self._drop(file)
                removed += 1
        return removed

    async def _drop(self, file: File) -> None:
        """Remove what is in it first: what breaks off in the middle is found again by the file."""
        if file.batch:
            for first in range(1, file.lines + 1, WINDOW):
                for each in await results(self._records, file.tenant, file.batch, first, first + WINDOW):
                    if _on(file.side, each.state):
                        await self._records.delete(RESULT, each.id, file.tenant)
        await self._records.clear("file.piece", file.id, file.tenant)
        await self._shelf.delete(file.id, file.tenant)


async def results(records: Records, tenant: str, batch: str, first: int, until: int) -> Sequence[Record]:
    """Return the results of a stretch of lines, in their order."""
    found = await records.find(RESULT, tenant=tenant, group=batch, since_ns=first, until_ns=until, limit=until - first)
    return found[::-1]


def result_id(batch: str, line: int) -> str:
    """Return the id of a line's result."""
    return f"{batch}:{line:08}"


def _on(side: Side, state: str) -> bool:
    return side == "all" or (side == "ok") == (state == "ok")


def _piece(file: File, number: int) -> str:
    return f"{file.id}:{number:06}"


def _too_large(room: Room, *, whole: bool) -> str:
    if whole:
        return f"a file has {room.file:,} bytes at most"
    return f"all files of a tenant have {room.tenant:,} bytes at most; delete some"
