"""Folders for the servers of tests: what these write need not outlive the machine, and so need not reach a disk."""

import shutil
from pathlib import Path
from tempfile import mkdtemp

_MEMORY = Path("/dev/shm")  # noqa: S108 - what Linux has for this; `mkdtemp` makes a folder of one's own in it
_ENOUGH = 1 << 30  # bytes; a server of a whole run takes a tenth of that


def server_folder(prefix: str, *, memory: Path = _MEMORY, enough: int = _ENOUGH) -> Path:
    """Return a new empty folder: in memory, where the machine has enough of it to spare, else among temporary files.

    Args:
        prefix: how its name begins.
        memory: a file system in memory, if it is there.
        enough: bytes that must be free in it; a container has 64 MiB by default.

    """
    try:
        if shutil.disk_usage(memory).free >= enough:
            return Path(mkdtemp(prefix=prefix, dir=memory))
    except OSError:  # not there, or not for us
        pass
    return Path(mkdtemp(prefix=prefix))
