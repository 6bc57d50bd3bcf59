"""Where the archive lies: a small protocol, and a folder of the machine as the first of its kind."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from rowen.store.archive.manifest import MANIFEST, SHAPE, Manifest, decode, encode, place_of
from rowen.values import Broken, Unavailable

_STAGED = ".staged"


class Folder(Protocol):
    """Keeps the files of days. DuckDB reads them by their addresses."""

    def manifests(self) -> Iterator[Manifest]:
        """Every day of every tenant, by day and tenant."""
        ...

    def manifest(self, day: str, tenant: str) -> Manifest | None: ...

    def address(self, manifest: Manifest, table: str) -> str | None:
        """Where DuckDB reads a table of a day; None when it has no rows."""
        ...

    def damaged(self, manifest: Manifest, *, whole: bool = False) -> str | None:
        """Say which file of a day is not as it was written, and how; `whole` reads every byte of them."""
        ...

    def staged(self) -> Path:
        """A new folder of this machine, on which files are made before they are put."""
        ...

    def put(self, manifest: Manifest, files: Mapping[str, Path]) -> None:
        """Keep the files of a day by table, take over those that its manifest names from before, and drop the rest.

        Until the manifest is there, which is at once, the day is as it was.
        """
        ...

    def drop(self, manifest: Manifest) -> None:
        """Remove a day of a tenant."""
        ...

    def sweep(self) -> None:
        """Remove what killed writers left. Only for the one who writes."""
        ...


class LocalFolder:
    """An archive in a folder, made (mode 0700) when it is first written to."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    @property
    def root(self) -> Path:
        """The folder."""
        return self._root

    def manifests(self) -> Iterator[Manifest]:
        """Yield every day of every tenant, by day and tenant.

        Raises:
            Broken: `store_corrupt` naming a manifest that cannot be read.

        """
        for file in sorted(self._root.glob(f"day=*/tenant=*/{MANIFEST}")):
            found = self._read(file)
            if found is not None:
                yield found

    def manifest(self, day: str, tenant: str) -> Manifest | None:
        """Return what a day's folder says of itself."""
        return self._read(self._root / place_of(day, tenant) / MANIFEST)

    def address(self, manifest: Manifest, table: str) -> str | None:
        """Return the path of a table's file."""
        part = manifest.tables.get(table)
        return None if part is None else str(self._root / manifest.place / part.file)

    def damaged(self, manifest: Manifest, *, whole: bool = False) -> str | None:
        """Return a sentence about a file that is not as it was written, None when all are."""
        for part in manifest.tables.values():
            file = self._root / manifest.place / part.file
            try:
                if file.stat().st_size != part.bytes:
                    return f"{file} of the archive is damaged: it has not the size that it was written with"
                if whole and hash_of(file) != part.sha256:
                    return f"{file} of the archive is damaged: it is not what was written"
            except OSError as error:
                return f"{file} of the archive cannot be read: {error.strerror}"
        return None

    def staged(self) -> Path:
        """Return a new folder beside the days, on the same disk."""
        try:
            staging = self._root / _STAGED
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            staging.mkdir(mode=0o700, exist_ok=True)
            return Path(tempfile.mkdtemp(dir=staging))
        except OSError as error:
            raise unwritten(error, self._root) from error

    def put(self, manifest: Manifest, files: Mapping[str, Path]) -> None:
        """Move the files in, then the manifest over the earlier one; what it does not name goes."""
        folder = self._root / manifest.place
        try:
            for each in (folder.parent, folder):
                each.mkdir(mode=0o700, exist_ok=True)
            for table, file in files.items():
                _synced(file)
                file.replace(folder / manifest.tables[table].file)
            _synced(folder)
            _written(folder / MANIFEST, encode(manifest))
            _synced(folder)
            kept = {MANIFEST, *(part.file for part in manifest.tables.values())}
            for left in folder.iterdir():
                if left.name not in kept:
                    left.unlink()
        except OSError as error:
            raise unwritten(error, folder) from error

    def drop(self, manifest: Manifest) -> None:
        """Remove a day's folder; the manifest goes first."""
        folder = self._root / manifest.place
        try:
            (folder / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            if not any(folder.parent.iterdir()):
                folder.parent.rmdir()
        except OSError as error:
            raise unwritten(error, folder) from error

    def sweep(self) -> None:
        """Remove what killed writers left: staged files, and files that no manifest names."""
        shutil.rmtree(self._root / _STAGED, ignore_errors=True)
        for folder in self._root.glob("day=*/tenant=*"):
            manifest = self._read(folder / MANIFEST)
            kept = {MANIFEST, *(part.file for part in manifest.tables.values())} if manifest else set()
            for left in folder.iterdir():
                if left.name not in kept:
                    left.unlink()

    def _read(self, file: Path) -> Manifest | None:
        try:
            body = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"{file} of the archive cannot be read: {error.strerror}"
            raise Unavailable("store_unavailable", message, who="archive") from error
        try:
            found = decode(body)
        except msgspec.MsgspecError as error:
            raise Broken("store_corrupt", f"{file} of the archive is damaged: {error}", place=str(file)) from error
        if found.shape > SHAPE:
            message = f"{file} was written by Rowen {found.rowen}, which is later than this one: upgrade to read it"
            raise Broken("store_corrupt", message, place=str(file))
        return found


def hash_of(file: Path) -> str:
    """Return the sha256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def unwritten(error: OSError, place: Path) -> Unavailable:
    """Return what is told where the archive cannot be written."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    why = "the disk is full" if full else error.strerror or str(error)
    return Unavailable("store_unavailable", f"the archive in {place} cannot be written: {why}", who="archive")


def _synced(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _written(file: Path, body: bytes) -> None:
    fresh = file.with_name(f".{file.name}")
    with fresh.open("wb") as stream:
        stream.write(body)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)
