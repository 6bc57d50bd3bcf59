"""Lists of several apps as one, held against a list in which all of it stands."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from rowen.store.base import TraceFilter
from rowen.store.memory.scores import MemoryScores
from rowen.store.memory.traces import MemoryTraces
from rowen.store.together import place_of_row, scores_together, sums_together, together
from rowen.values import Score, Trace, TraceRow, new_id

WHOSE = ("attic", "shop", "vault")


@given(
    placed=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(WHOSE)), max_size=14),
    seen=st.lists(st.sampled_from(WHOSE), min_size=1, unique=True),
    limit=st.integers(1, 4),
)
def test_pages_of_several_apps_are_those_of_one_list_without_the_others(placed, seen, limit):
    async def pages() -> list[str]:
        traces = MemoryTraces()
        await traces.write(
            [
                Trace(row=TraceRow(id=f"{number:02}", app=app, definition="h", started_ns=at, duration_ns=1))
                for number, (at, app) in enumerate(placed)
            ]
        )
        found: list[TraceRow] = []
        while True:
            asked = TraceFilter(before=found[-1].cursor if found else "", limit=limit)
            page = await together(
                tuple(seen),
                lambda app, asked=asked: traces.find(asked.but(app=app)),
                place=place_of_row,
                limit=limit,
            )
            assert len(page) <= limit
            found += page
            if len(page) < limit:
                return [row.id for row in found]

    order = sorted(((at, f"{number:02}", app) for number, (at, app) in enumerate(placed)), reverse=True)

    assert asyncio.run(pages()) == [id for _, id, app in order if app in seen]


@given(placed=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(WHOSE), st.sampled_from(["a", "b"])), max_size=9))
def test_sums_of_all_apps_one_by_one_are_those_of_all_at_once(placed):
    minute = 60_000_000_000

    async def sums():
        traces, scores = MemoryTraces(), MemoryScores()
        await traces.write(
            [
                Trace(
                    row=TraceRow(
                        id=f"{number}", app=app, definition="h", model=model, started_ns=at * minute, duration_ns=at + 1
                    )
                )
                for number, (at, app, model) in enumerate(placed)
            ]
        )
        await scores.put(
            [
                Score(
                    id=new_id(number), app=app, name="stars", type="number", value=float(at), number=float(at), by=model,
                    source="user", created_ns=at * minute, judged_ns=at * minute,
                )
                for number, (at, app, model) in enumerate(placed)
            ]
        )  # fmt: skip
        window = {"tenant": None, "since_ns": 0, "until_ns": 4 * minute, "every_ns": minute}
        apart = [each for app in WHOSE for each in await traces.buckets(**window, by="model", app=app)]
        judged = [each for app in WHOSE for each in await scores.buckets(**window, name="stars", by="by", app=app)]
        return (
            (sums_together(apart), scores_together(judged)),
            (await traces.buckets(**window, by="model"), await scores.buckets(**window, name="stars", by="by")),
        )

    together_, at_once = asyncio.run(sums())

    assert together_ == at_once
