"""Source: files and folders. What changed is told by content: a file that was only touched is read, and found the same."""

import asyncio
import glob
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rowen.retrieve.load.base import LARGEST, Listed, Original, Ports, unreadable
from rowen.retrieve.load.rules import PathRule, Sidecar, matches, ruled, sidecar_of
from rowen.values import Mistaken, Settings, Unavailable

_PORTION = 2_000  # files listed before other work has its turn


class Options(Settings, frozen=True, kw_only=True):
    """Which files, and what is said of them."""

    ignore: tuple[str, ...] = ()
    """Globs of files that are passed over."""
    hidden: bool = False
    """Whether files and folders that begin with a dot are taken too."""
    links: bool = False
    """Whether links may lead out of the folder that the glob begins with."""
    size: int = LARGEST
    """Bytes of a file at most; larger ones are put aside unread."""
    rules: tuple[PathRule, ...] = ()
    """What is said of files by their path; of several that match, the last that says a thing counts."""


class _Stamp(NamedTuple):
    size: int
    modified: int
    changed: int
    number: int


class Files:
    """Files that a glob names.

    Args:
        at: a glob, with `**` for any depth and `{a,b}` for either; or a folder, for all files in it.
        options: which of them.
        folder: where a relative glob starts.

    """

    def __init__(self, at: str, options: Options, folder: Path) -> None:
        self._at = at
        self._options = options
        self._folder = folder
        self._seen: dict[str, tuple[_Stamp, str]] = {}
        self._paths: dict[str, str] = {}
        self.reached = ""

    async def listed(self, _: str) -> AsyncIterator[Listed]:
        paths = await asyncio.to_thread(self._found)
        self._paths = paths
        uris = list(paths)
        for start in range(0, len(uris), _PORTION):
            for listed in await asyncio.to_thread(self._looked_at, uris[start : start + _PORTION]):
                yield listed

    async def fetch(self, listed: Listed, known: str) -> Original | None:
        return await asyncio.to_thread(self._read, listed.uri, known)

    def there(self) -> bool:
        """Return whether there is any of them now. Blocks."""
        try:
            return bool(self._found())
        except Unavailable:
            return False

    def stamp(self) -> str:
        """Return what changes with any file, cheaply: names, sizes and times. Blocks."""
        try:
            paths = self._found()
        except Unavailable:
            return ""
        whole = hashlib.sha256()
        for uri, path in paths.items():
            whole.update(f"{uri}\0{_stamp(path)}\n".encode())
        return whole.hexdigest()

    def _found(self) -> dict[str, str]:
        """Return the paths of all files by their uri."""
        base = self._base()
        if not base.exists():
            raise unreadable(
                self._at, "the folder does not exist" if base != self._folder else "there is no such folder"
            )
        found: dict[str, str] = {}
        real = base.resolve()
        for path in self._globbed():
            uri = _uri(os.path.relpath(path, self._folder))
            if matches(uri, self._options.ignore) or Sidecar.names(path):
                continue
            if Path(path).is_file() and (self._options.links or Path(path).resolve().is_relative_to(real)):
                found[uri] = path
        return dict(sorted(found.items()))

    def _globbed(self) -> Iterator[str]:
        whole = self._folder / self._at
        patterns = [f"{self._at.rstrip('/')}/**/*"] if self._at and whole.is_dir() else either(self._at)
        for pattern in patterns:
            # Three times as quick as Path.glob over 100,000 files.
            for name in glob.iglob(pattern, root_dir=self._folder, recursive=True, include_hidden=self._options.hidden):  # noqa: PTH207
                yield f"{self._folder}{os.sep}{name}"

    def _base(self) -> Path:
        """Return the folder below which the glob looks."""
        parts = Path(self._at).parts
        plain = [*parts]
        for number, part in enumerate(parts):
            if any(sign in part for sign in "*?[{"):
                plain = list(parts[:number])
                break
        base = self._folder.joinpath(*plain)
        return base if base.is_dir() or not base.exists() else base.parent

    def _looked_at(self, uris: Sequence[str]) -> list[Listed]:
        found = []
        for uri in uris:
            seen = self._seen.get(uri)
            raw = seen[1] if seen is not None and seen[0] == _stamp(self._paths[uri]) else ""
            found.append(Listed(uri=uri, raw=raw))
        return found

    def _read(self, uri: str, known: str) -> Original | None:
        path = self._paths[uri]
        stamp = _stamp(path)
        try:
            told = Path(path).stat()
            if not stat.S_ISREG(told.st_mode):
                raise Mistaken("document_unknown", "this is no regular file", place=uri)
            if told.st_size > self._options.size:
                message = f"it has {told.st_size:,} bytes; {self._options.size:,} are read at most"
                raise Mistaken("document_too_large", message, place=uri)
            data = Path(path).read_bytes()
        except FileNotFoundError:
            return None  # gone since it was listed; the next look removes it
        except PermissionError as error:
            raise Mistaken("document_broken", "the rights to read the file are missing", place=uri) from error
        except OSError as error:
            raise unreadable(uri, error.strerror or type(error).__name__) from error
        said = ruled(uri, self._options.rules).over(sidecar_of(path))
        raw = hashlib.sha256(data + said.mark()).hexdigest()
        if stamp is not None:
            self._seen[uri] = (stamp, raw)
        if raw == known:
            return None
        return Original(
            uri=uri,
            data=data,
            raw=raw,
            title=said.title,
            modified_ns=told.st_mtime_ns,
            metadata=said.metadata,
            access=said.access,
        )


def make(at: str, options: Options, ports: Ports) -> Files:
    """Return the files at a glob.

    Raises:
        Mistaken: `config_invalid`.

    """
    if not at:
        raise Mistaken("config_invalid", 'a source of files needs a glob, such as "docs/**/*.md"', place="source.at")
    return Files(at, options, ports.folder)


def either(pattern: str) -> list[str]:
    """Return a glob's plain ones: `*.{md,txt}` means `*.md` and `*.txt`."""
    head, opened, rest = pattern.partition("{")
    inner, closed, tail = rest.partition("}")
    if not (opened and closed):
        return [pattern]
    return [whole for part in inner.split(",") for whole in either(f"{head}{part}{tail}")]


def _uri(path: str) -> str:
    # A name that is no UTF-8 has half of a surrogate pair in it, which no store can hold.
    return os.fsencode(path.replace(os.sep, "/")).decode("utf-8", "replace")


def _stamp(path: str) -> _Stamp | None:
    """Return what the system says of a file and of what stands beside it; None when it is gone by now."""
    try:
        told = Path(path).stat()
    except OSError:
        return None
    return _Stamp(told.st_size, told.st_mtime_ns + Sidecar.stamp(path), told.st_ctime_ns, told.st_ino)
