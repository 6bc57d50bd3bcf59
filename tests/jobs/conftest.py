import pytest

from rowen.jobs import Queue
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path, clock):
    store = await open_store("memory:" if request.param == "memory" else f"sqlite:{tmp_path}/data", clock=clock)
    yield store
    await store.close()


@pytest.fixture
def queue(store, clock):
    return Queue(store.records, clock)
