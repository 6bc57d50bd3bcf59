"""What the office tells of an app's indexes when something is let out."""

from rowen.config.read import hash_of
from rowen.flow.knowledge import collection_of
from rowen.release import Reason
from rowen.serve.releasing import office_in
from rowen.store.memory.store import MemoryStore
from rowen.testing.clock import FakeClock
from rowen.values import Definition, Manifest

ANN = Reason(by="ann", note="because")


async def test_a_forced_release_tells_which_index_answered_and_what_was_passed_over():
    store, clock = MemoryStore(), FakeClock()
    source = {
        "app": {"name": "shop"},
        "models": {"main": {"provider": "echo"}},
        "retrieve": {"docs": {"source": "docs/*.md"}},
    }
    old = Definition(app="shop", hash=hash_of(source, {}), source=source)
    changed = {**source, "app": {"name": "shop", "about": "A shop."}}
    new = Definition(app="shop", hash=hash_of(changed, {}), source=changed)
    collection = collection_of("shop", "docs")
    build = await store.knowledge.begin(
        collection, Manifest(chunker="whole(size=800, overlap=0)", context="free", embedder=""), now_ns=clock.ns
    )
    await store.knowledge.ready(build.id)
    await store.knowledge.switch(build.id, now_ns=clock.ns)
    office = await office_in(store, clock, signing=b"k" * 32)
    await office.propose(old, ANN)
    await office.let_out("shop", "1", ANN.but(force=True))
    await office.propose(new, ANN)

    await office.let_out("shop", "2", ANN.but(force=True))

    line = (await office.desk.log("shop"))[0]
    (told,) = line.evidence["index"].items()
    assert told[0] == f"docs/{build.id}"
    assert (told[1]["state"], told[1]["answers"], told[1]["borrowed"]) == ("live", True, True)
    assert "no evaluation is asked for" in line.evidence["forced"][0]
    assert await office.desk.verify("shop") is None
