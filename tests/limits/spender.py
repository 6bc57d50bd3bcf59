"""Spends tokens in a process of its own until it is refused or killed, and prints what it spent.

Run as `python spender.py DATABASE LIMIT`.
"""

import asyncio
import random
import sys
from pathlib import Path

from rowen.limits import LimitsSettings, Meter, limits_of, rules_for
from rowen.store.base import Counters
from rowen.store.sqlite.counters import SCRIPTS, SqliteCounters
from rowen.store.sqlite.file import File, FileOptions
from rowen.values import Call, Door, Refused, Request, SystemClock

CALL = Call(id="0" * 32, app="a", definition="d", request=Request(model="m"), door=Door(shape="internal"), started_ns=1)


async def spend(counters: Counters, limit: int, told) -> None:
    """Spend with 8 tasks until each is refused; tell of every amount as soon as it counts as used."""
    clock = SystemClock()
    meter = Meter(counters, clock)
    seats = meter.seats(rules_for(CALL, limits_of(LimitsSettings(tokens=f"{limit}/month")), {}))

    async def one() -> None:
        while True:
            amount = random.randint(1, 40)
            try:
                held = await seats.reserve([amount], clock.now_ns())
            except Refused:
                return
            used = random.randint(0, amount)
            told(used)
            await asyncio.sleep(0)
            await held.settle(tokens=used, money=lambda currency: 0)

    await asyncio.gather(*(one() for _ in range(8)))
    await meter.close()


def counters_file(path: str) -> File:
    return File(Path(path), SCRIPTS, FileOptions())


async def main(path: str, limit: int) -> None:
    file = counters_file(path)
    await file.open()
    await spend(SqliteCounters(file), limit, lambda used: print(used, flush=True))
    await file.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
