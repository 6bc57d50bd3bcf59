"""What every store must do. Subclass `StoreContract` in a test module and give it a fixture `store`.

    class TestMyStore(StoreContract):
        @pytest.fixture
        async def store(self):
            store = await open_store("mine:…", clock=SystemClock())
            yield store
            await store.close()

The tests need pytest with `pytest-asyncio` in auto mode. A store must be empty when the fixture gives it.
"""

from rowen.store.base import Store
from rowen.testing.contracts.access import AccessContract
from rowen.testing.contracts.cache import CacheContract
from rowen.testing.contracts.counters import CountersContract
from rowen.testing.contracts.kept import KeptContract
from rowen.testing.contracts.query import QueryContract
from rowen.testing.contracts.spans import SpansContract
from rowen.testing.contracts.traces import TracesContract
from rowen.testing.contracts.turns import TurnsContract


class StoreContract(
    AccessContract,
    TurnsContract,
    CountersContract,
    CacheContract,
    TracesContract,
    SpansContract,
    QueryContract,
    KeptContract,
):
    """Everything a store must do."""

    async def test_a_store_in_order_says_so(self, store: Store) -> None:
        health = await store.check()

        assert set(health.values()) == {"ok"}
