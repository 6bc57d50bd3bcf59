from pathlib import Path

import pytest

from rowen.store.catalog import open_store
from rowen.testing.contracts.knowledge import KnowledgeContract
from rowen.values import SystemClock


class TestMemory(KnowledgeContract):
    @pytest.fixture
    async def store(self):
        store = await open_store("memory:", clock=SystemClock())
        yield store
        await store.close()


class TestSqlite(KnowledgeContract):
    @pytest.fixture
    async def store(self, tmp_path: Path):
        store = await open_store(f"sqlite:{tmp_path}/data", clock=SystemClock())
        yield store
        await store.close()


class TestPostgres(KnowledgeContract):
    @pytest.fixture
    async def store(self, address: str):
        store = await open_store(address, clock=SystemClock())
        yield store
        await store.close()
