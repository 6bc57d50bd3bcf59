"""Histories of cells, rows and scores at a fixed time."""

from datetime import UTC, datetime

import pytest

from rowen.store.base import Cell
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import Score, Trace, TraceRow, ns_of

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def ns(*date: int) -> int:
    return ns_of(datetime(*date, tzinfo=UTC))


JUNE = ns(2026, 6, 1)


def cell(at_ns: int, good: int, total: int, **fields) -> Cell:
    return Cell(
        **{"app": "shop", "objective": "slo/answers", "start_ns": at_ns, "good": good, "total": total, **fields}
    )


def row(number: int, at_ns: int, **fields) -> TraceRow:
    made = {
        "id": f"{number:032x}",
        "started_ns": at_ns,
        "duration_ns": 800_000_000,
        "first_ns": 200_000_000,
        "app": "shop",
        "definition": "d1",
        "tenant": "default",
        "user": "ann",
        "model": "fast",
        "said": "An answer.",
        "output_tokens": 3,
        **fields,
    }
    return TraceRow(**made)


def trace(number: int, at_ns: int, **fields) -> Trace:
    return Trace(row=row(number, at_ns, **fields))


def score(number: int, at_ns: int, name: str, value: float | bool, **fields) -> Score:
    made = {
        "id": f"s{number:08x}{name}",
        "app": "shop",
        "trace": f"{number:032x}",
        "name": name,
        "value": value,
        "number": float(value),
        "source": "user",
        "judged_ns": at_ns,
        "created_ns": at_ns,
        **fields,
    }
    return Score(**made)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(JUNE)


@pytest.fixture
async def store(clock):
    found = await open_store("memory:", clock=clock)
    yield found
    await found.close()
