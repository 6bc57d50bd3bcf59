"""The images of builds that this process searches: made when first asked for, brought up to date before each search."""

import asyncio
import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from rowen.store.scan.base import Lot
from rowen.store.sqlite.file import File
from rowen.store.sqlite.knowledge.rows import Held, chunk_rows, chunk_rows_of, described, described_of
from rowen.store.sqlite.knowledge.writing import scanning
from rowen.values import Problem

_SAVED_FROM = 5_000  # rows: fewer are read from the store in less than a tenth of a second
_KEPT = 32  # builds whose images stay here

_SINCE = "SELECT document FROM changes WHERE build = ? AND seq > ? ORDER BY seq"
_LAST = "SELECT coalesce(max(seq), 0) FROM changes WHERE build = ?"


class Images:
    """Images by the number of their build.

    Args:
        folder: where images are saved.
        loader: the file, on a connection of its own: a large image takes seconds to make.
        writer: the file, to note that an image was saved.

    """

    def __init__(self, folder: Path, loader: File, writer: File) -> None:
        self._folder = folder
        self._loader = loader
        self._writer = writer
        self._images: OrderedDict[int, Any] = OrderedDict()
        self._locks: dict[int, asyncio.Lock] = {}
        self._making: dict[int, asyncio.Task[None]] = {}

    async def fresh(self, held: Held, seq: int) -> Any:
        """Return the image of a build that has seen all changes up to `seq`.

        Raises:
            Mistaken: `extra_missing`. Unavailable: `store_unavailable`.

        """
        image: Any = self._images.get(held.number)
        if image is None or image.seen < seq:
            async with self._locks.setdefault(held.number, asyncio.Lock()):
                image = self._images.get(held.number)
                if image is None:
                    image = await self._opened(held)
                if image.seen < seq:
                    image = await self._loader.apart(lambda connection: _changed(connection, held, image))
                self._images[held.number] = image
                while len(self._images) > _KEPT:
                    self._images.popitem(last=False)
        self._images.move_to_end(held.number)
        if image.stale and held.number not in self._making:
            self._making[held.number] = asyncio.create_task(self._made_again(held))
        return image

    def forget(self, build: int) -> None:
        """Let go of a build that was dropped."""
        self._images.pop(build, None)
        self._locks.pop(build, None)
        self._path(build).unlink(missing_ok=True)

    async def close(self) -> None:
        """Stop what is being made."""
        for task in list(self._making.values()):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._images.clear()

    def _path(self, build: int) -> Path:
        return self._folder / f"build-{build}.image"

    async def _opened(self, held: Held) -> Any:
        path = self._path(held.number)
        saving = scanning("saved")

        def work(connection: sqlite3.Connection) -> Any:
            with _reading(connection):
                there = {each.number: each for each in described(connection, held.collection)}

                def known(id: str) -> bool:
                    row = connection.execute("SELECT 1 FROM images WHERE build = ? AND id = ?", (held.number, id))
                    return row.fetchone() is not None

                return saving.opened(path, held.shape, there.get, known)

        image = await self._loader.apart(work) if path.exists() else None
        return image if image is not None else await self._made(held)

    async def _made(self, held: Held) -> Any:
        path, id = self._path(held.number), uuid4().hex
        making, saving = scanning("image"), scanning("saved")
        written = False

        def work(connection: sqlite3.Connection) -> Any:
            nonlocal written
            with _reading(connection):
                (seen,) = connection.execute(_LAST, (held.number,)).fetchone()
                (size,) = connection.execute("SELECT count(*) FROM chunks WHERE build = ?", (held.number,)).fetchone()
                lot = Lot(list(described(connection, held.collection)), chunk_rows(connection, held.number), size)
                if size < _SAVED_FROM:
                    return making.image_of(lot, held.shape, seen)
                try:
                    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    image = saving.saved(path, id, lot, held.shape, seen)
                except OSError:  # a full disk: the store itself is whole, and memory does as well
                    lot = lot._replace(rows=chunk_rows(connection, held.number))
                    return making.image_of(lot, held.shape, seen)
                written = True
                return image

        def note(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM images WHERE build = ?", (held.number,))
            connection.execute("INSERT INTO images (id, build) VALUES (?, ?)", (id, held.number))

        image = await self._loader.apart(work)
        if written:
            await self._writer.write(note)
        return image

    async def _made_again(self, held: Held) -> None:
        """Make a build's large part again beside the searches, which go on with the old one."""
        try:
            image = await self._made(held)
            async with self._locks.setdefault(held.number, asyncio.Lock()):
                if held.number in self._images:
                    self._images[held.number] = image
        except Problem:
            pass  # the old image serves, and the next search tries again
        finally:
            self._making.pop(held.number, None)


def _changed(connection: sqlite3.Connection, held: Held, image: Any) -> Any:
    with _reading(connection):
        (seen,) = connection.execute(_LAST, (held.number,)).fetchone()
        documents = [number for (number,) in connection.execute(_SINCE, (held.number, image.seen))]
        join = image.crowded
        wanted = sorted({*documents, *image.small}) if join else documents
        return image.changed(documents, _lot(connection, held, wanted), seen, join=join)


def _lot(connection: sqlite3.Connection, held: Held, documents: Sequence[int]) -> Lot:
    rows = list(chunk_rows_of(connection, held.number, documents))
    return Lot(list(described_of(connection, documents)), rows, len(rows))


class _reading:  # noqa: N801 - reads as a statement
    """One moment of the file for several statements."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN")

    def __exit__(self, *_: object) -> None:
        self._connection.execute("COMMIT")
