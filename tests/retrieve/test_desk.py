"""Knowledge as it is managed: who would miss an index."""

import pytest

from rowen.jobs import Queue
from rowen.retrieve.base import RetrieveSettings
from rowen.retrieve.desk import Desk
from rowen.retrieve.pick import Pin
from rowen.retrieve.state import States
from rowen.store.knowledge import Collection
from rowen.store.memory.knowledge import MemoryKnowledge
from rowen.store.memory.shelves import MemoryRecords
from rowen.testing.clock import FakeClock
from rowen.values import Manifest, Mistaken

HANDBOOK = Collection(tenant="default", app="shop", name="handbook")
MADE = Manifest(chunker="whole(size=800, overlap=0)", context="free", embedder="")
WHO = "version 1, live in production"


class Knowing:
    """A collection with one build that a version needs, and how often it was asked who needs any."""

    def __init__(self) -> None:
        self.knowledge, self.asked = MemoryKnowledge(), 0
        clock, records = FakeClock(), MemoryRecords()

        async def pins(collection: Collection) -> list[Pin]:
            self.asked += 1
            return [Pin(MADE, WHO)]

        async def wake(collection: Collection, removal: bool):
            raise AssertionError("nobody has it looked at")

        self.desk = Desk(
            self.knowledge,
            States(records),
            defined=lambda: {HANDBOOK: RetrieveSettings(source="docs/*.md")},
            wake=wake,
            jobs=Queue(records, clock),
            job_of=lambda collection: "job",
            clock=clock,
            pins=pins,
        )


async def test_a_build_that_is_the_only_one_and_does_not_answer_yet_tells_who_needs_it():
    knowing = Knowing()
    build = await knowing.knowledge.begin(HANDBOOK, MADE, now_ns=1)

    standing = await knowing.desk.standing(HANDBOOK)
    with pytest.raises(Mistaken) as refused:
        await knowing.desk.delete(HANDBOOK, build.id)

    assert standing.needed == {build.id: (WHO,)}
    assert (refused.value.code, WHO in refused.value.message) == ("conflict", True)


async def test_where_the_only_build_answers_nobody_is_asked_who_needs_it():
    knowing = Knowing()
    build = await knowing.knowledge.begin(HANDBOOK, MADE, now_ns=1)
    await knowing.knowledge.ready(build.id)
    await knowing.knowledge.switch(build.id, now_ns=2)

    standing = await knowing.desk.standing(HANDBOOK)

    assert (standing.needed, standing.own, knowing.asked) == ({}, {}, 0)
