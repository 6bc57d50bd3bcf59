import asyncio
import os
import random
import sqlite3
from array import array
from contextlib import closing
from pathlib import Path

import pytest

from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection, Cut
from rowen.testing.contracts.documents import (
    EVERYBODY,
    HOUSE,
    a_collection,
    a_cut,
    a_document,
    a_manifest,
    found,
    letters,
    put,
)
from rowen.values import Chunk, Reader, SystemClock

LARGE = 6_000  # chunks from which an image is saved beside the store, with room


async def opened(folder: Path):
    return await open_store(f"sqlite:{folder}", clock=SystemClock())


async def a_large_build(store, collection):
    """A build with one document of many chunks and one of a single chunk."""
    build = await store.knowledge.begin(collection, a_manifest(dimensions=8), now_ns=1)
    chance = random.Random(3)
    vectors = array("f", [chance.gauss(0, 1) for _ in range(8 * LARGE)])
    chunks = tuple(Chunk(start=at, end=at + 2) for at in range(LARGE))
    large = a_document("large", "".join(chance.choices("abcdefgh ", k=LARGE + 2)), access=("staff",))
    await store.knowledge.write(collection, large, [Cut(build.id, chunks, vectors.tobytes())])
    return build


def one(build, document):
    return Cut(build.id, (Chunk(start=0, end=len(document.text)),), array("f", [1.0, *[0.0] * 7]).tobytes())


async def lexical(store, build, question, reader=HOUSE):
    hits = await store.knowledge.lexical(build.id, question, reader=reader)
    passages = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=reader)
    return [each.text for each in passages.values()]


async def test_an_image_is_saved_and_what_changed_since_is_found_after_a_restart(tmp_path):
    store, collection = await opened(tmp_path), a_collection()
    build = await a_large_build(store, collection)
    first = a_document("late", "the late sentence")
    await store.knowledge.write(collection, first, [one(build, first)])
    assert await lexical(store, build, "sentence") == ["the late sentence"]
    saved = next((tmp_path / "knowledge").glob("*.image"))
    made = saved.stat()
    second = a_document("late", "a later sentence")
    await store.knowledge.write(collection, second, [one(build, second)])
    await store.close()

    store = await opened(tmp_path)
    found = await lexical(store, build, "sentence")
    hits = await store.knowledge.dense(build.id, array("f", [1.0, *[0.0] * 7]).tobytes(), reader=EVERYBODY)
    await store.close()

    assert found == ["a later sentence"]
    assert len(hits) == 1  # the large document is for staff alone
    assert (saved.stat().st_ino, saved.stat().st_mode & 0o777) == (made.st_ino, 0o600)


@pytest.mark.parametrize("harm", ["cut", "foreign", "other file", "no file"])
async def test_an_image_that_does_not_fit_is_made_again(tmp_path, harm):
    store, collection = await opened(tmp_path / "a"), a_collection()
    build = await a_large_build(store, collection)
    expected = await lexical(store, build, "ab")
    await store.close()
    saved = next((tmp_path / "a" / "knowledge").glob("*.image"))
    match harm:
        case "cut":
            os.truncate(saved, saved.stat().st_size - 100)
        case "foreign":  # as if the store had been restored from a backup that never saved this image
            with closing(sqlite3.connect(tmp_path / "a" / "knowledge.db")) as connection, connection:
                connection.execute("UPDATE images SET id = 'another'")
        case "other file":
            saved.write_bytes(b"\x00" * 10_000)
        case _:
            saved.unlink()

    store = await opened(tmp_path / "a")
    again = await lexical(store, build, "ab")
    await store.close()

    assert again == expected != []


async def test_many_changes_make_the_large_part_again_and_nothing_is_lost(tmp_path):
    store, collection = await opened(tmp_path), a_collection()
    build = await a_large_build(store, collection)
    await lexical(store, build, "ab")
    before = next((tmp_path / "knowledge").glob("*.image")).stat().st_ino
    await store.knowledge.remove(collection, ["large"], now_ns=1)

    for n in range(30):
        document = a_document(f"d{n}", f"plan w{n}")
        await store.knowledge.write(collection, document, [one(build, document)])
        texts = await lexical(store, build, "plan")
        assert len(texts) == n + 1
    for _ in range(200):
        if not list((tmp_path / "knowledge").glob("*.image")) or store.knowledge._images._making == {}:
            break
        await asyncio.sleep(0.01)

    image = (await store.knowledge._image(build.id, None))[1]
    assert sum(len(piece.part) for piece in image.pieces) < LARGE, "what is gone takes no room"
    assert sorted(await lexical(store, build, "plan")) == sorted(f"plan w{n}" for n in range(30))
    assert before
    await store.close()


async def test_what_another_process_wrote_is_found_at_once(tmp_path):
    ours, theirs = await opened(tmp_path), await opened(tmp_path)
    collection = a_collection()
    build = await ours.knowledge.begin(collection, a_manifest(), now_ns=1)
    await put(ours, build, a_document("a", "first plan"))
    assert (await found(ours, build, "plan"))["lexical"] == ["first plan"]

    await put(theirs, build, a_document("b", "second plan", access=("staff",)))
    await theirs.knowledge.remove(collection, ["a"], now_ns=2)

    assert await found(ours, build, "plan") == {"dense": [], "lexical": []}
    staff = Reader(tenant="acme", groups=("staff",))
    assert (await found(ours, build, "plan", reader=staff))["dense"] == ["second plan"]
    await ours.close()
    await theirs.close()


_INDEXER = """
import asyncio, sys
from rowen.store.catalog import open_store
from rowen.testing.contracts.documents import *
from rowen.values import SystemClock

async def main():
    store = await open_store("sqlite:" + sys.argv[1], clock=SystemClock())
    collection = Collection(tenant="acme", app="handbook", name="docs")
    build = await store.knowledge.begin(collection, a_manifest(), now_ns=1)
    while missing := await store.knowledge.missing(build.id, limit=5):
        for each in missing:
            cut = a_cut(build, each, 20)
            await store.knowledge.fill(collection, cut, document=each.id, version=each.version)
            print(each.id, flush=True)
    await store.knowledge.ready(build.id)
    await store.close()

asyncio.run(main())
"""


async def test_a_killed_indexer_is_resumed_and_no_document_is_there_twice(tmp_path, run_program):
    store = await opened(tmp_path)
    collection = Collection(tenant="acme", app="handbook", name="docs")
    documents = [a_document(f"d{n:03}", f"plan w{n} " * 10) for n in range(60)]
    for document in documents:
        await store.knowledge.write(collection, document, [])
    done: list[str] = []
    for killed_after in (1, 7, 20, None):
        process = run_program(_INDEXER, tmp_path)
        for lines, line in enumerate(process.stdout, 1):
            done.append(line.strip())
            if lines == killed_after:
                process.kill()
                break
        process.wait()

    (build,) = await store.knowledge.builds(collection)
    live = await store.knowledge.switch(build.id, now_ns=5)

    expected = [a_cut(build, each, 20) for each in documents]
    assert (live.documents, live.chunks) == (60, sum(len(cut.chunks) for cut in expected))
    assert len(await store.knowledge.dense(build.id, letters("plan"), reader=EVERYBODY, limit=10_000)) == live.chunks
    assert len(done) <= 60 + 3, "a document that was done is not done again, but for the one under way"
    await store.close()
