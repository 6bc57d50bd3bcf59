import importlib.util
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rowen.store.sqlite.counters import SqliteCounters

SPENDER = Path(__file__).with_name("spender.py")
LIMIT = 60_000


@pytest.fixture
def spender():
    spec = importlib.util.spec_from_file_location("spender", SPENDER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def opened(spender, path):
    file = spender.counters_file(path)
    await file.open()
    yield file
    await file.close()


async def total(file) -> int:
    return await file.read(lambda connection: connection.execute("SELECT sum(amount) FROM sums").fetchone()[0])


async def test_a_budget_holds_when_one_of_two_processes_is_killed(tmp_path, spender):
    path = str(tmp_path / "counters.db")
    mine: list[int] = []

    # The first fifty amounts prove that it spends; then it is killed in the middle of spending.
    killed = subprocess.Popen([sys.executable, str(SPENDER), path, str(LIMIT)], stdout=subprocess.PIPE, text=True)
    theirs = [int(killed.stdout.readline()) for _ in range(50)]
    os.kill(killed.pid, signal.SIGKILL)
    rest, _ = killed.communicate()
    theirs += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    async with opened(spender, path) as file:
        after_the_kill = await total(file)
        await spender.spend(SqliteCounters(file), LIMIT, mine.append)
        in_the_end = await total(file)

    assert killed.returncode == -signal.SIGKILL
    assert sum(theirs) <= after_the_kill  # nothing that was spent is forgotten
    assert sum(theirs) + sum(mine) <= in_the_end <= LIMIT
    # All the crash took is the killed process's remainder, at most a sixteenth of the limit, and calls in flight.
    assert sum(theirs) + sum(mine) >= LIMIT - LIMIT // 16 - 16 * 40


async def test_two_processes_at_once_stay_within_the_limit_together(tmp_path, spender):
    path = str(tmp_path / "counters.db")
    mine: list[int] = []

    other = subprocess.Popen([sys.executable, str(SPENDER), path, "3000"], stdout=subprocess.PIPE, text=True)
    first = int(other.stdout.readline())
    async with opened(spender, path) as file:
        await spender.spend(SqliteCounters(file), 3_000, mine.append)
        rest, _ = other.communicate()
        in_the_end = await total(file)

    assert other.returncode == 0
    assert first + sum(map(int, rest.split())) + sum(mine) == in_the_end <= 3_000
