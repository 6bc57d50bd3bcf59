"""Stores over a folder, a clock that stands, and real processes that share the folder."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from rowen.store.catalog import open_store

Start = Callable[..., subprocess.Popen[str]]


class StoppedClock:
    def now_ns(self) -> int:
        return 1_790_000_000_000_000_000

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def clock():
    return StoppedClock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def open_at(folder: Path, clock: StoppedClock):
    """Opens the folder, with options; call it again for a second process's view."""

    async def open_folder(options: str = ""):
        return await open_store(f"sqlite:{folder}{options}", clock=clock)

    return open_folder


@pytest.fixture
def start(folder: Path):
    """Starts a process that runs an async body with `store` open on the folder and `args` at hand."""
    running: list[subprocess.Popen[str]] = []

    def started(body: str, *args: object) -> subprocess.Popen[str]:
        program = _PROGRAM.format(body=textwrap.indent(textwrap.dedent(body), "    "))
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(folder), *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield started
    for process in running:
        process.kill()
        process.communicate()


_PROGRAM = """
import asyncio, sys
from rowen.store.catalog import open_store
from rowen.testing.contracts.made import START, HOUR, a_key, a_trace, an_entry
from rowen.values import SystemClock

async def main():
    folder, *args = sys.argv[1:]
    store = await open_store(f"sqlite:{{folder}}", clock=SystemClock())
{body}
    await store.close()

asyncio.run(main())
"""
