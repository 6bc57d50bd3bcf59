from pathlib import Path

import pytest

from rowen.store.catalog import open_store
from rowen.testing.contracts.kept import KeptContract
from rowen.testing.contracts.measures import MeasuresContract
from rowen.testing.contracts.query import QueryContract
from rowen.testing.contracts.runs import RunsContract
from rowen.testing.contracts.scores import RecordsContract, ScoresContract
from rowen.testing.contracts.spans import SpansContract
from rowen.testing.contracts.store import StoreContract
from rowen.testing.contracts.traces import TracesContract
from rowen.values import SystemClock

pytestmark = pytest.mark.long


class TestMemory(StoreContract, ScoresContract, RecordsContract, MeasuresContract, RunsContract):
    @pytest.fixture
    async def store(self):
        store = await open_store("memory:", clock=SystemClock())
        yield store
        await store.close()


class TestSqlite(StoreContract, ScoresContract, RecordsContract, MeasuresContract, RunsContract):
    @pytest.fixture
    async def store(self, tmp_path: Path):
        store = await open_store(f"sqlite:{tmp_path}/data", clock=SystemClock())
        yield store
        await store.close()


class TestPostgres(StoreContract, ScoresContract, RecordsContract, MeasuresContract, RunsContract):
    @pytest.fixture
    async def store(self, address: str):
        store = await open_store(address, clock=SystemClock())
        yield store
        await store.close()


class TestClickhouse(TracesContract, SpansContract, QueryContract, KeptContract):
    @pytest.fixture
    async def store(self, traces_address: str):
        store = await open_store("memory:", clock=SystemClock(), traces=traces_address)
        yield store
        await store.close()
