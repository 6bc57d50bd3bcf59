"""Stores over a folder, a clock that stands, and real processes that share the folder."""

import textwrap
from pathlib import Path

import pytest

from rowen.store.catalog import open_store
from rowen.testing.processes import Process


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
def start(folder: Path, run_program):
    """Starts a process that runs an async body with `store` open on the folder and `args` at hand."""

    def started(body: str, *args: object) -> Process:
        return run_program(_PROGRAM.format(body=textwrap.indent(textwrap.dedent(body), "    ")), folder, *args)

    return started


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
