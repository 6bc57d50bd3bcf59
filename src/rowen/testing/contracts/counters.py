"""What every store must do with counters. `StoreContract` holds these tests."""

import asyncio

from rowen.store.base import Store
from rowen.testing.contracts.made import HOUR, MINUTE, START


class CountersContract:
    """Counters with limits."""

    async def test_takes_all_of_an_amount_or_nothing(self, store: Store) -> None:
        taken = [await store.counters.take("c", 4, 10, START) for _ in range(3)]

        assert taken == [4, 4, 0]
        assert await store.counters.sums(["c", "other"]) == [8, 0]

    async def test_takes_what_is_left_when_less_will_do(self, store: Store) -> None:
        await store.counters.take("c", 8, 10, START)

        assert await store.counters.take("c", 5, 10, START, least=3) == 0
        assert await store.counters.take("c", 5, 10, START, least=2) == 2
        assert await store.counters.take("c", 5, 10, START, least=1) == 0
        assert await store.counters.sums(["c"]) == [10]

    async def test_what_is_given_back_can_be_taken_again_and_no_more(self, store: Store) -> None:
        await store.counters.take("c", 10, 10, START)

        await store.counters.give_back("c", 3)
        await store.counters.give_back("unknown", 3)

        assert await store.counters.take("c", 4, 10, START) == 0
        assert await store.counters.take("c", 3, 10, START) == 3
        await store.counters.give_back("c", 99)
        assert await store.counters.sums(["c", "unknown"]) == [0, 0]

    async def test_adds_beyond_any_limit(self, store: Store) -> None:
        await store.counters.add("c", 25, START)

        assert await store.counters.take("c", 1, 10, START) == 0
        assert await store.counters.sums(["c"]) == [25]

    async def test_takes_nothing_of_nothing_and_never_above_a_lowered_limit(self, store: Store) -> None:
        await store.counters.take("c", 10, 10, START)

        assert await store.counters.take("c", 0, 100, START) == 0
        assert await store.counters.take("c", -5, 100, START) == 0
        assert await store.counters.take("c", 3, 5, START, least=1) == 0
        assert await store.counters.sums(["c"]) == [10]

    async def test_many_takes_at_once_reach_the_limit_exactly(self, store: Store) -> None:
        taken = await asyncio.gather(*(store.counters.take("c", 7, 100, START, least=1) for _ in range(30)))

        assert sum(taken) == 100
        assert await store.counters.sums(["c"]) == [100]

    async def test_shares_of_all_owners_fit_the_limit(self, store: Store) -> None:
        assert await store.counters.hold("c", "p1", 6, 10, START + MINUTE, START)
        assert not await store.counters.hold("c", "p2", 5, 10, START + MINUTE, START)
        assert await store.counters.hold("c", "p2", 4, 10, START + MINUTE, START)
        assert not await store.counters.hold("c", "p1", 7, 10, START + MINUTE, START)
        assert await store.counters.hold("c", "p1", 1, 10, START + MINUTE, START)
        assert await store.counters.hold("c", "p2", 9, 10, START + MINUTE, START)

    async def test_a_share_that_was_refused_stays_as_it_was(self, store: Store) -> None:
        await store.counters.hold("c", "p1", 6, 10, START + MINUTE, START)

        await store.counters.hold("c", "p1", 11, 10, START + MINUTE, START)

        assert not await store.counters.hold("c", "p2", 5, 10, START + MINUTE, START)
        assert await store.counters.hold("c", "p2", 4, 10, START + MINUTE, START)

    async def test_a_share_lapses_unless_it_is_held_again(self, store: Store) -> None:
        await store.counters.hold("c", "killed", 10, 10, START + MINUTE, START)

        assert not await store.counters.hold("c", "p2", 1, 10, START + HOUR, START + MINUTE - 1)
        assert await store.counters.hold("c", "p2", 10, 10, START + HOUR, START + MINUTE)

    async def test_a_share_of_nothing_always_fits(self, store: Store) -> None:
        await store.counters.hold("c", "p1", 10, 10, START + MINUTE, START)

        assert await store.counters.hold("c", "p1", 0, 5, START + MINUTE, START)
        assert await store.counters.hold("c", "p2", 5, 5, START + MINUTE, START)

    async def test_prune_forgets_only_what_is_over(self, store: Store) -> None:
        await store.counters.take("old", 1, 10, START)
        await store.counters.take("prolonged", 1, 10, START)
        await store.counters.add("prolonged", 1, START + HOUR)
        await store.counters.hold("live", "p1", 10, 10, START + HOUR, START)

        await store.counters.prune(START)

        assert await store.counters.sums(["old", "prolonged"]) == [0, 2]
        assert not await store.counters.hold("live", "p2", 1, 10, START + HOUR, START)
