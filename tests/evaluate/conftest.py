import pytest

from rowen.evaluate.dataset import Datasets
from rowen.score.cases import Cases
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import Case

FIRST = 1_790_000_000_000_000_000


@pytest.fixture
async def store():
    return await open_store("memory:", clock=FakeClock())


@pytest.fixture
def cases(store) -> Cases:
    return Cases(store.records, scores=store.scores, traces=store.traces, clock=FakeClock())


@pytest.fixture
def datasets(store, cases) -> Datasets:
    return Datasets(store.records, cases=cases, clock=FakeClock())


@pytest.fixture
def case():
    """Makes a case of the data set `golden`."""

    def make(id: str, input="When is hay dry?", **more) -> Case:
        return Case(**{"id": id, "tenant": "acme", "dataset": "golden", "input": input, **more})

    return make
