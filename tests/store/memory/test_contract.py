import pytest

from rowen.store.catalog import open_store
from rowen.testing.contracts.knowledge import KnowledgeContract
from rowen.testing.contracts.measures import MeasuresContract
from rowen.testing.contracts.runs import RunsContract
from rowen.testing.contracts.scores import RecordsContract, ScoresContract
from rowen.testing.contracts.store import StoreContract
from rowen.values import SystemClock


class TestMemory(StoreContract, ScoresContract, RecordsContract, MeasuresContract, RunsContract, KnowledgeContract):
    # What it compares with is this store.
    test_a_query_finds_what_looking_at_every_trace_finds = None  # type: ignore[assignment]

    @pytest.fixture
    async def store(self):
        store = await open_store("memory:", clock=SystemClock())
        yield store
        await store.close()
