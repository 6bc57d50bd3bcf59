"""Random changes by a process that is killed now and then, searched by another: nothing that is gone is ever found.

A hundred operations in the usual run; `ROWEN_TEST_OPERATIONS=10000` for the long one.
"""

import json
import os
import random

import pytest

from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection
from rowen.testing.contracts.documents import HOUSE, a_document, a_manifest, letters
from rowen.values import SystemClock

OPERATIONS = int(os.environ.get("ROWEN_TEST_OPERATIONS", "120"))
COLLECTION = Collection(tenant="acme", app="handbook", name="docs")
DOCUMENTS = 12

_WRITER = """
import asyncio, json, sys
from rowen.store.catalog import open_store
from rowen.testing.contracts.documents import *
from rowen.values import SystemClock

async def main():
    store = await open_store(sys.argv[1], clock=SystemClock())
    collection = Collection(tenant="acme", app="handbook", name="docs")
    builds = [await store.knowledge.begin(collection, a_manifest(chunker=name), now_ns=1) for name in "ab"]
    for line in sys.stdin:
        act, id, text = json.loads(line)
        if act == "put":
            document = a_document(id, text)
            await store.knowledge.write(
                collection, document, [a_cut(builds[0], document, 9), a_cut(builds[1], document)]
            )
        elif act == "remove":
            await store.knowledge.remove(collection, [id], now_ns=1)
        else:
            build = builds[int(id)]
            await store.knowledge.ready(build.id)
            await store.knowledge.switch(build.id, now_ns=1)
        print("done", flush=True)

asyncio.run(main())
"""


class Writer:
    def __init__(self, run_program, address):
        self.process = run_program(_WRITER, address)

    def tell(self, act):
        self.process.stdin.write(json.dumps(act) + "\n")
        self.process.stdin.flush()

    def wait(self):
        assert self.process.stdout.readline() == "done\n"

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """The address of an empty store that several processes may share."""
    return f"sqlite:{tmp_path}" if request.param == "sqlite" else request.getfixturevalue("emptied")


async def test_nothing_that_is_gone_is_found_whoever_is_killed(place, run_program):
    chance = random.Random(OPERATIONS)
    store = await open_store(place, clock=SystemClock())
    builds = [await store.knowledge.begin(COLLECTION, a_manifest(chunker=name), now_ns=1) for name in "ab"]
    there: dict[str, str] = {}
    words = [f"w{n}" for n in range(50)]
    kills = 0
    writer = Writer(run_program, place)
    try:
        for nth in range(OPERATIONS):
            id = f"d{chance.randrange(DOCUMENTS)}"
            act, text = chance.choice(("put", "put", "put", "remove", "swap")), f"plan {chance.choice(words)} {nth}"
            writer.tell((act, str(chance.randrange(2)) if act == "swap" else id, text))
            if act == "put":
                after = there | {id: text}
            else:
                after = {each: said for each, said in there.items() if act == "swap" or each != id}
            if chance.random() < 0.04:
                writer.kill()
                writer, kills = Writer(run_program, place), kills + 1
                # What a server was told before the kill it may do a moment later: this waits for the end of it.
                await store.knowledge.remove(COLLECTION, [], now_ns=1)
                known = {each.id: each.version for each in await store.knowledge.known(COLLECTION)}
                # Killed before or after: which of the two is for the store to say, and it must be one of them, whole.
                happened = [state for state in (there, after) if known == _versions(state)]
                assert happened, "half a change"
                there = happened[-1]
            else:
                writer.wait()
                there = after
            if nth % 4 == 0:
                await _only(store, builds[1], there, words)
        await _only(store, builds[0], there, words, whole=False)
        await _only(store, builds[1], there, words)
    finally:
        writer.kill()
        await store.close()
    assert kills > 0


def _versions(state):
    return {id: a_document(id, text).version for id, text in state.items()}


async def _only(store, build, there, words, *, whole=True):
    question = " ".join(("plan", *words))
    for hits in (
        await store.knowledge.dense(build.id, letters(question), reader=HOUSE, limit=500),
        await store.knowledge.lexical(build.id, question, reader=HOUSE, limit=500),
    ):
        passages = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=HOUSE)
        texts = [each.text for each in passages.values()]
        assert len(passages) == len(hits), "a chunk that is gone was found"
        assert all(any(text in said for said in there.values()) for text in texts)
        assert not whole or sorted(texts) == sorted(there.values())
