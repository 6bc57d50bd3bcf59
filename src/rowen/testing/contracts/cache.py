"""What every store must do with cached answers. `StoreContract` holds these tests."""

from rowen.store.base import Cached, Store
from rowen.testing.contracts.made import HOUR, START, an_answer


class CacheContract:
    """Cached answers."""

    def cached(self, number: int, *, expires_ns: int = START + HOUR) -> Cached:
        """Return an entry; `number` orders it by age."""
        return Cached(
            answer=an_answer(f"answer {number}"), trace=f"t{number}", stored_ns=START + number, expires_ns=expires_ns
        )

    async def test_an_answer_comes_back_until_it_expires(self, store: Store) -> None:
        await store.cache.put("acme:k", self.cached(1))

        assert await store.cache.get("acme:k", START) == self.cached(1)
        assert await store.cache.get("acme:k", START + HOUR - 1) == self.cached(1)
        assert await store.cache.get("acme:k", START + HOUR) is None
        assert await store.cache.get("umbrella:k", START) is None

    async def test_a_newer_answer_takes_the_place(self, store: Store) -> None:
        await store.cache.put("k", self.cached(1))

        await store.cache.put("k", self.cached(2))

        assert await store.cache.get("k", START) == self.cached(2)

    async def test_prune_removes_the_expired_and_the_oldest(self, store: Store) -> None:
        for number in range(5):
            await store.cache.put(f"k{number}", self.cached(number))
        await store.cache.put("k5", self.cached(5, expires_ns=START))

        await store.cache.prune(START, 2)

        kept = [number for number in range(6) if await store.cache.get(f"k{number}", START - 1)]
        assert kept == [3, 4]

    async def test_clear_removes_by_the_beginning_of_the_key(self, store: Store) -> None:
        for key in ("acme:a", "acme:b", "acme_c", "umbrella:a"):
            await store.cache.put(key, self.cached(1))

        assert await store.cache.clear("acme:") == 2
        assert await store.cache.get("acme_c", START) is not None
        assert await store.cache.clear() == 2
