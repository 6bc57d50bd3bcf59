"""How a process keeps up: with what was decided anywhere, and with the files that its apps are read from."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

from rowen.flow import App
from rowen.values import Problem

log = logging.getLogger(__name__)

After = Callable[[], Awaitable[None]]


class Reloads(Protocol):
    """What reads apps from their files."""

    async def load(self, path: Path) -> App: ...

    def files(self, path: Path) -> tuple[Path, ...]: ...


async def following(refresh: Callable[[], Awaitable[bool]], after: After, every: float) -> None:
    """Take up what is decided, and do `after` each time, without end.

    Args:
        refresh: takes it up; says whether there was anything.
        after: what is to be done then.
        every: seconds between two looks.

    """
    lost = False
    while True:
        await asyncio.sleep(every)
        try:
            if await refresh():
                await after()
            lost = False
        except Exception:  # what is live must be followed again, whatever it was that broke
            if not lost:
                log.exception("what is live cannot be read, what was known goes on")
            lost = True


async def reloading(apps: Reloads, paths: Sequence[Path], after: After, every: float) -> None:
    """Read apps again whose files change, and do `after` each time, without end; a wrong file is reported and the app stays.

    Args:
        apps: reads them.
        paths: of their `app.toml`.
        after: what is to be done then.
        every: seconds between two looks.

    """
    seen = {path: _stamps(apps.files(path)) for path in paths}
    while True:
        await asyncio.sleep(every)
        for path in paths:
            stamps = _stamps(apps.files(path))
            if stamps == seen[path]:
                continue
            try:
                app = await apps.load(path)
                await after()
            except Problem as problem:
                log.error("%s: %s — still serving the last good one", problem.place or path.name, problem.message)  # noqa: TRY400
            else:
                log.info("read %s again; %s answers", app.name, app.definition.hash[:12])
            # As it was before it was read: what is saved while the app is loaded is seen the next time.
            seen[path] = {file: stamps.get(file, stamp) for file, stamp in _stamps(apps.files(path)).items()}


def _stamps(files: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """Return size and time of every file that is there."""
    stamps: dict[Path, tuple[int, int]] = {}
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            continue
        stamps[file] = (stat.st_mtime_ns, stat.st_size)
    return stamps
