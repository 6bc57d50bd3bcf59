"""All families in memory."""

from rowen.store.memory.cache import MemoryCache
from rowen.store.memory.counters import MemoryCounters
from rowen.store.memory.knowledge import MemoryKnowledge
from rowen.store.memory.measures import MemoryMeasures
from rowen.store.memory.records import (
    MemoryAudit,
    MemoryDefinitions,
    MemoryKeys,
    MemoryRevision,
    MemoryTenants,
    MemoryTurns,
)
from rowen.store.memory.runs import MemoryRuns
from rowen.store.memory.scores import MemoryScores
from rowen.store.memory.shelves import MemoryRecords
from rowen.store.memory.traces import MemoryTraces
from rowen.values import Clock, Mistaken


class MemoryStore:
    """One process's records, gone when it ends."""

    def __init__(self) -> None:
        self.revisions = MemoryRevision()
        self.keys = MemoryKeys(self.revisions)
        self.tenants = MemoryTenants(self.revisions)
        self.audit = MemoryAudit()
        self.definitions = MemoryDefinitions(self.revisions)
        self.turns = MemoryTurns()
        self.counters = MemoryCounters()
        self.cache = MemoryCache()
        self.traces = MemoryTraces()
        self.scores = MemoryScores()
        self.records = MemoryRecords(self.revisions)
        self.measures = MemoryMeasures()
        self.runs = MemoryRuns()
        self.knowledge = MemoryKnowledge()

    async def check(self) -> dict[str, str]:
        """Return the one home, which is always well."""
        return {"all records (memory)": "ok"}

    async def close(self) -> None:
        """Do nothing: there is nothing to flush."""


async def open_at(place: str, options: dict[str, str], *, clock: Clock) -> MemoryStore:  # noqa: ARG001 - the signature of all drivers
    """Return an empty store.

    Raises:
        Mistaken: `config_invalid` when the address says more than `memory:`.

    """
    if place or options:
        raise Mistaken("config_invalid", "the memory store takes neither a place nor options: write `memory:`")
    return MemoryStore()
