import pytest

from rowen.store.catalog import open_store
from rowen.testing.contracts.knowledge import KnowledgeContract
from rowen.testing.contracts.measures import MeasuresContract
from rowen.testing.contracts.runs import RunsContract
from rowen.testing.contracts.scores import RecordsContract, ScoresContract
from rowen.testing.contracts.store import StoreContract
from rowen.values import SystemClock


class TestPostgres(StoreContract, ScoresContract, RecordsContract, MeasuresContract, RunsContract, KnowledgeContract):
    @pytest.fixture
    async def store(self, emptied: str):
        store = await open_store(emptied, clock=SystemClock())
        yield store
        await store.close()
