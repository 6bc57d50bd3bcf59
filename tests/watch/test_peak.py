"""The busiest minute of a long window is found without reading every minute each time, and is the same."""

from hypothesis import given
from hypothesis import strategies as st

from rowen.store.base import Cell
from rowen.watch.base import WatchTable
from rowen.watch.budget import standing
from rowen.watch.peak import Peaks, condensed
from rowen.watch.window import DAY_NS, MINUTE_NS

NOW = 1_790_000_000_000_000_000
BUSY = WatchTable(sli="throughput", target=">= 1/s", window="30d")

CELLS = st.lists(
    st.builds(
        lambda minute, part, total: Cell(
            app="a", objective="slo/busy", part=part, good=total, total=total,
            start_ns=(NOW - 30 * DAY_NS) // MINUTE_NS * MINUTE_NS + minute * MINUTE_NS,
        ),
        st.integers(0, 300) | st.integers(0, 30 * 1440),
        st.sampled_from(("", "recovered")),
        st.integers(0, 99),
    ),
    max_size=30,
    unique_by=lambda cell: (cell.start_ns, cell.part),
)  # fmt: skip


def window(cells: list[Cell]):
    read: list[tuple[int, int]] = []

    async def find(since: int, until: int) -> list[Cell]:
        read.append((since, until))
        return [cell for cell in cells if since <= cell.start_ns < until]

    return find, read


@given(cells=CELLS)
async def test_a_condensed_window_stands_as_the_whole_one_does(cells):
    span = (NOW - 30 * DAY_NS, NOW)
    find, _ = window(cells)
    peaks = Peaks()

    for _ in range(2):
        found = await peaks.cells("busy", span, NOW, find)

        assert standing(BUSY, found, span) == standing(BUSY, cells, span)


async def test_past_hours_are_read_once_an_hour_and_the_last_days_each_time():
    find, read = window([])
    peaks = Peaks()

    for moved in (0, 60, 3599, 3600):
        now = NOW + moved * 1_000_000_000
        await peaks.cells("busy", (now - 30 * DAY_NS, now), now, find)

    long = [until - since for since, until in read if until - since > 3 * DAY_NS]
    assert len(long) == 2  # at first, and when an hour had gone by


async def test_a_window_of_some_hours_is_read_by_the_minute():
    cells = [Cell(app="a", objective="slo/busy", start_ns=NOW - 5 * MINUTE_NS, good=1, total=1)]
    find, read = window(cells)

    assert await Peaks().cells("busy", (NOW - DAY_NS, NOW), NOW, find) == cells
    assert read == [(NOW - DAY_NS, NOW)]


def test_an_hour_is_its_busiest_minute_and_the_rest():
    cells = [
        Cell(app="a", objective="o", start_ns=minute * MINUTE_NS, part=part, good=good, total=good)
        for minute, part, good in ((0, "", 3), (1, "", 2), (1, "recovered", 2), (5, "", 1), (60, "", 9))
    ]

    found = condensed(cells)

    assert [(cell.start_ns // MINUTE_NS, cell.total) for cell in found] == [(1, 2), (1, 2), (1, 4), (60, 9)]
