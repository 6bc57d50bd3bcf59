"""A run whose process is killed, at no moment of its choosing: the next one ends it, and no document is there twice."""

import asyncio
from pathlib import Path

from rowen.retrieve.base import ChunkTable, RetrieveSettings
from rowen.retrieve.load import Ports
from rowen.retrieve.parse import Reading
from rowen.retrieve.plan import plan_of
from rowen.retrieve.state import States
from rowen.retrieve.sync import Sync, Synced
from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection
from rowen.values import Reader, SystemClock

HANDBOOK = Collection(tenant="default", app="demo", name="handbook")
SETTINGS = RetrieveSettings(source="docs/*", chunk=ChunkTable(size=100, overlap=0))
DOCUMENTS = 300


async def sync(folder: Path, tell) -> Synced:
    store = await open_store(f"sqlite:{folder}/data", clock=SystemClock())
    reading = Reading()
    plan = await plan_of(HANDBOOK, SETTINGS, Ports(folder=folder))
    done = await Sync(plan, store.knowledge, States(store.records), reading, SystemClock(), tell=tell).run()
    await reading.close()
    await store.close()
    return done


def main(folder: str) -> None:
    asyncio.run(sync(Path(folder), lambda done, *_: print(done, flush=True)))


async def test_a_run_that_is_killed_again_and_again_is_ended_by_the_next_and_nothing_is_there_twice(
    tmp_path, run_program
):
    (tmp_path / "docs").mkdir()
    for number in range(DOCUMENTS):
        (tmp_path / "docs" / f"n{number:03}.md").write_text(f"Number {number} is {number * 7} and nothing else.")

    for victim in (70, 20, 140):
        script = f"import runpy; runpy.run_path({__file__!r})['main']({str(tmp_path)!r})"
        process = run_program(script)
        for line in process.stdout:
            if int(line) >= victim:
                break
        process.kill()
        assert process.wait() == -9
    done = await sync(tmp_path, lambda *_: None)

    store = await open_store(f"sqlite:{tmp_path}/data", clock=SystemClock())
    (build,) = await store.knowledge.builds(HANDBOOK)
    reader = Reader(tenant="default")
    hits = await store.knowledge.lexical(build.id, "nothing", reader=reader, limit=1000)
    passages = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=reader)
    await store.close()
    assert (build.state, build.documents, build.chunks) == ("live", DOCUMENTS, DOCUMENTS)
    assert len({passage.uri for passage in passages.values()}) == len(passages) == DOCUMENTS
    assert done.unchanged > 0  # what the killed ones wrote
    assert done.added + done.unchanged == DOCUMENTS
