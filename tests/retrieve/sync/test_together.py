"""One search over rows of a database and pages, by meaning, by words, and by what they say of each other."""

import sqlite3
import struct
from contextlib import closing

import pytest

from rowen.retrieve.base import RetrieveSettings, SourceTable
from rowen.retrieve.load import Ports, source_of
from rowen.retrieve.parse import Reading
from rowen.retrieve.plan import Watched, plan_of
from rowen.retrieve.search import Means, Searching, searched
from rowen.retrieve.state import States
from rowen.retrieve.sync import Sync
from rowen.retrieve.tables import Tables
from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection
from rowen.testing.clock import FakeClock
from rowen.values import Embeddings, Reader, SystemClock

HOME = Collection(tenant="default", app="demo", name="staff")


class Letters:
    """A vector by how often four letters occur."""

    fingerprint = "letters-4"

    async def __call__(self, texts, *, role="document"):
        rows = []
        for text in texts:
            counts = [1e-3 + text.lower().count(letter) for letter in "aeiz"]
            norm = sum(each * each for each in counts) ** 0.5
            rows.append(struct.pack("<4f", *(each / norm for each in counts)))
        return Embeddings(b"".join(rows), 4, 0)


@pytest.fixture
async def store(tmp_path):
    opened = await open_store(f"sqlite:{tmp_path}/data", clock=FakeClock())
    yield opened
    await opened.close()


async def test_a_question_is_answered_by_a_row_and_a_page_together(store, tmp_path):
    with closing(sqlite3.connect(tmp_path / "staff.db")) as base, base:
        base.execute("CREATE TABLE person (id INTEGER, name TEXT, manager TEXT, team TEXT)")
        base.executemany(
            "INSERT INTO person VALUES (?, ?, ?, ?)",
            [(1, "Ada Brenn", "Jon Tal", "desk"), (2, "Cy Marn", "Lia Sorel", "yard")],
        )
    base.close()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "jon.md").write_text("# Offices\n\nJon Tal works for Brask Works. Jon Tal was born in Orvo.\n")
    (tmp_path / "docs" / "other.md").write_text(
        "# Managers\n\nA manager is asked who is born to manage. Ask a manager.\n"
    )
    rows = SourceTable(
        kind="sql",
        at="SELECT * FROM person",
        options={"url": {"env": "STAFF"}, "key": ["id"], "title": "name", "text": ["manager", "team"]},
    )
    pages = SourceTable(at="docs/*.md")
    settings = RetrieveSettings(source=(rows, pages), graph="rules", weight=0.3)
    ports, address = Ports(folder=tmp_path), f"sqlite:///{tmp_path}/staff.db"
    kept = {
        name: Watched(table, source_of(table, ports, environment=lambda _: address))
        for name, table in ((f"sql:{rows.at}", rows), (pages.at, pages))
    }
    plan = await plan_of(HOME, settings, ports, embed=Letters(), kept=kept)
    reading = Reading()
    synced = await Sync(plan, store.knowledge, States(store.records), reading, FakeClock()).run()
    build = next(each for each in await store.knowledge.builds(HOME) if each.id == synced.build)
    means = Means(knowledge=store.knowledge, clock=SystemClock(), embeds=(Letters(),))

    found = await searched(
        build, settings, means, "Where was the manager of Ada Brenn born?", reader=Reader(tenant="default"), top=2
    )
    await reading.close()

    by_place = {passage.uri: passage for passage in found.passages}
    assert synced.failed == {}
    assert set(by_place) == {"1", "docs/jon.md"}
    assert by_place["1"].text == "manager: Jon Tal\nteam: desk"
    assert set(by_place["1"].legs) == {"dense", "lexical", "graph"}
    assert {stage.name for stage in found.stages} >= {"dense", "lexical", "fuse", "graph"}


async def test_rows_that_were_read_before_become_a_table_when_that_is_wanted(store, tmp_path):
    with closing(sqlite3.connect(tmp_path / "staff.db")) as base, base:
        base.execute("CREATE TABLE person (id INTEGER, team TEXT, pay REAL, groups TEXT, updated TEXT)")
        base.executemany(
            "INSERT INTO person VALUES (?, ?, ?, ?, ?)",
            [(1, "desk", 0.1, "", "1"), (2, "desk", 0.1, "", "2"), (3, "yard", 0.2, "hr", "3")],
        )
    base.close()
    options = {"url": {"env": "STAFF"}, "key": ["id"], "text": ["team"], "access": "groups", "cursor": "updated"}
    rows = SourceTable(kind="sql", at="SELECT * FROM person", options=options)
    ports, reading, states = Ports(folder=tmp_path), Reading(), States(store.records)
    source = source_of(rows, ports, environment=lambda _: f"sqlite:///{tmp_path}/staff.db")

    async def told(tables: str, question: str, reader: Reader) -> str:
        settings = RetrieveSettings(source=rows, embed="", tables=tables)
        plan = await plan_of(HOME, settings, ports, kept={f"sql:{rows.at}": Watched(rows, source)})
        await Sync(plan, store.knowledge, states, reading, FakeClock()).run()
        means = Means(knowledge=store.knowledge, clock=SystemClock(), tables=Tables(store.knowledge, SystemClock()))
        found = await Searching(HOME, settings, means)(question, reader=reader, top=3)
        return found.passages[0].text.splitlines()[0] if found.passages else ""

    everybody, clerk = Reader(tenant="default"), Reader(tenant="default", groups=("hr",))
    before = await told("none", "How many persons are in team desk?", everybody)
    after = await told("rules", "How many persons are in team desk?", everybody)
    pay = await told("rules", "What is the total pay per team?", clerk)
    await reading.close()

    assert before == "desk"
    assert after == "The number of rows of person where team is desk is 2."  # alike as they are but for their keys
    assert pay == "The sum of pay by team: desk: 0.2; yard: 0.2."
