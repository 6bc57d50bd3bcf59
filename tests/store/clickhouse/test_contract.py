import pytest

from rowen.store.catalog import open_store
from rowen.testing.contracts.kept import KeptContract
from rowen.testing.contracts.query import QueryContract
from rowen.testing.contracts.spans import SpansContract
from rowen.testing.contracts.traces import TracesContract
from rowen.values import SystemClock

pytestmark = pytest.mark.long


class TestClickhouse(TracesContract, SpansContract, QueryContract, KeptContract):
    @pytest.fixture
    async def store(self, emptied_traces: str):
        store = await open_store("memory:", clock=SystemClock(), traces=emptied_traces)
        yield store
        await store.close()
