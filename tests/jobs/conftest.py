import pytest

from rowen.jobs import Queue
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request, tmp_path, clock):
    places = {"memory": lambda: "memory:", "sqlite": lambda: f"sqlite:{tmp_path}/data"}
    place = places.get(request.param, lambda: request.getfixturevalue("emptied"))
    store = await open_store(place(), clock=clock)
    yield store
    await store.close()


@pytest.fixture
def queue(store, clock):
    return Queue(store.records, clock)
