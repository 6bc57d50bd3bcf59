"""What every store of measures must do. Mix `MeasuresContract` into a test class that has a fixture `store`."""

import asyncio
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.store.base import Cell, Measures, Store
from rowen.store.catalog import open_store
from rowen.store.tallied import summed
from rowen.values import SystemClock

MINUTE = 60_000_000_000
START = 1_790_000_000_000_000_000 // MINUTE * MINUTE


def a_cell(minute: int, **fields: Any) -> Cell:
    """Return a cell with 9 of 10 good."""
    given_ = {"app": "handbook", "objective": "slo/answers", "good": 9, "total": 10, **fields}
    return Cell(start_ns=START + minute * MINUTE, **given_)


async def keep(measures: Measures, *cells: Cell) -> None:
    for cell in cells:
        await measures.add(cell)


class MeasuresContract:
    """Cells: put, added to, summed and pruned."""

    async def test_cells_come_back_oldest_first(self, store: Store) -> None:
        second, first = a_cell(1), a_cell(0)
        await keep(store.measures, second, first)

        found = await store.measures.find("handbook", "slo/answers", tenant="default")

        assert found == [first, second]

    async def test_a_window_holds_its_begin_and_not_its_end(self, store: Store) -> None:
        await keep(store.measures, *(a_cell(minute) for minute in range(5)))

        found = await store.measures.find(
            "handbook", "slo/answers", since_ns=START + MINUTE, until_ns=START + 3 * MINUTE
        )

        assert [(cell.start_ns - START) // MINUTE for cell in found] == [1, 2]

    async def test_what_is_added_twice_is_summed(self, store: Store) -> None:
        await keep(store.measures, a_cell(0, sum=1.5, squares=2.25), a_cell(0, sum=0.5, squares=0.25))

        (found,) = await store.measures.find("handbook", "slo/answers", tenant="default")

        assert found == a_cell(0, good=18, total=20, sum=2.0, squares=2.5)

    async def test_tenants_are_apart_for_one_and_together_for_all(self, store: Store) -> None:
        await keep(store.measures, a_cell(0, tenant="acme"), a_cell(0, tenant="globex", good=1))

        acme = await store.measures.find("handbook", "slo/answers", tenant="acme")
        all_ = await store.measures.find("handbook", "slo/answers")

        assert acme == [a_cell(0, tenant="acme")]
        assert all_ == [a_cell(0, tenant="", good=10, total=20)]

    async def test_replacing_a_stretch_leaves_the_rest_and_is_the_same_twice(self, store: Store) -> None:
        await keep(store.measures, *(a_cell(minute) for minute in range(4)), a_cell(1, objective="slo/other"))
        new = [a_cell(2, part="provider", good=0, total=3)]

        for _ in range(2):
            await store.measures.replace(
                "handbook", ["slo/answers"], since_ns=START + MINUTE, until_ns=START + 3 * MINUTE, cells=new
            )

        assert await store.measures.find("handbook", "slo/answers", tenant="default") == [a_cell(0), *new, a_cell(3)]
        assert await store.measures.find("handbook", "slo/other", tenant="default") == [
            a_cell(1, objective="slo/other")
        ]

    async def test_another_app_has_cells_of_its_own(self, store: Store) -> None:
        await keep(store.measures, a_cell(0), a_cell(0, app="shop"))

        await store.measures.replace("shop", ["slo/answers"], since_ns=0, until_ns=START + MINUTE, cells=())

        assert await store.measures.find("handbook", "slo/answers", tenant="default") == [a_cell(0)]
        assert await store.measures.find("shop", "slo/answers") == []

    async def test_old_cells_are_pruned(self, store: Store) -> None:
        await keep(store.measures, *(a_cell(minute) for minute in range(4)))

        removed = await store.measures.prune(START + 2 * MINUTE)

        assert removed == 2
        assert len(await store.measures.find("handbook", "slo/answers")) == 2

    async def test_stretches_are_the_sums_of_their_minutes(self, store: Store) -> None:
        @given(
            st.lists(
                st.tuples(st.integers(0, 200), st.sampled_from(["", "provider"]), st.integers(0, 9), st.integers(0, 9)),
                max_size=30,
            ),
            st.integers(1, 70),
        )
        def check(drawn: list[tuple[int, str, int, int]], minutes: int) -> None:
            cells = [a_cell(at, part=part, good=good, total=good + bad) for at, part, good, bad in drawn]

            async def work() -> list[Cell]:
                own = await open_store("memory:", clock=SystemClock())
                await keep(own.measures, *cells)
                return await own.measures.find("handbook", "slo/answers", every_ns=minutes * MINUTE)

            assert asyncio.run(work()) == summed(cells, minutes * MINUTE, apart=False)

        await asyncio.to_thread(check)
        cells = [a_cell(at, part=part) for at in range(130) for part in ("", "provider")]
        await keep(store.measures, *cells)

        found = await store.measures.find("handbook", "slo/answers", every_ns=60 * MINUTE)

        assert found == summed(cells, 60 * MINUTE, apart=False)

    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(acts=st.lists(st.tuples(st.sampled_from(("add", "replace", "prune")), st.integers(0, 9999)), max_size=8))
    async def test_hours_follow_whatever_happens_to_their_minutes(
        self, store: Store, acts: list[tuple[str, int]]
    ) -> None:
        await store.measures.prune(2**62)
        wanted = (await open_store("memory:", clock=SystemClock())).measures
        for act, seed in acts:
            for measures in (store.measures, wanted):
                await _act(measures, act, random.Random(seed))

        for tenant in (None, "acme"):
            for since, until, hours in ((0, 0, 1), (7, 290, 2), (60, 240, 1), (61, 119, 3), (100, 100, 1)):
                window = {"since_ns": START + since * MINUTE, "until_ns": until and START + until * MINUTE}
                found, expected = [
                    await each.find("handbook", "slo/answers", tenant=tenant, every_ns=hours * 60 * MINUTE, **window)
                    for each in (store.measures, wanted)
                ]
                assert found == expected, (tenant, window)


async def _act(measures: Measures, act: str, dice: random.Random) -> None:
    since = dice.randrange(300)
    cells = [
        a_cell(
            since + dice.randrange(90),
            tenant=dice.choice(("acme", "globex")),
            part=dice.choice(("", "provider")),
            good=dice.randrange(9),
            total=9,
            sum=dice.randrange(64) / 8,
            squares=dice.randrange(64) / 8,
        )
        for _ in range(dice.randrange(12))
    ]
    if act == "add":
        await keep(measures, *cells)
    elif act == "prune":
        await measures.prune(START + since * MINUTE)
    else:
        await measures.replace(
            "handbook",
            ["slo/answers"],
            since_ns=START + since * MINUTE,
            until_ns=START + (since + 90) * MINUTE,
            cells=list({(cell.start_ns, cell.tenant, cell.part): cell for cell in cells}.values()),
        )
