"""Knowledge on PostgreSQL beside the contract: the index that is walked, the same ranks as elsewhere, no pgvector."""

import random
from array import array
from math import sqrt

import numpy as np
import psycopg
import pytest

from rowen.store.base import Store
from rowen.store.catalog import open_store
from rowen.store.knowledge import Cut
from rowen.store.postgres.database import PostgresDatabase
from rowen.store.postgres.knowledge import PostgresKnowledge
from rowen.testing.contracts.documents import (
    EVERYBODY,
    HOUSE,
    a_collection,
    a_document,
    a_manifest,
    found,
    letters,
    put,
)
from rowen.testing.postgres import PASSWORD
from rowen.values import Chunk, Condition, Mistaken, Reader, SystemClock

WIDE, DOCUMENTS, EACH = 24, 100, 20
BARE = "bare"


@pytest.fixture
async def store(address: str):
    store = await open_store(address, clock=SystemClock())
    yield store
    await store.close()


@pytest.fixture
async def walking(postgres, address: str, store: Store):
    """The knowledge of `store` by a driver that walks the index from 11 chunks on."""
    target = psycopg.conninfo.conninfo_to_dict(postgres.address)
    database = PostgresDatabase(target, schema=schema_of(address), place="PostgreSQL", connections=1)
    yield database, PostgresKnowledge(database, exact=10)
    await database.close()


def direction(chance: random.Random) -> array:
    numbers = [chance.gauss(0, 1) for _ in range(WIDE)]
    norm = sqrt(sum(x * x for x in numbers))
    return array("f", [x / norm for x in numbers])


def schema_of(address: str) -> str:
    return address.partition("schema=")[2]


@pytest.mark.parametrize("storage", ["float32", "int8"])
async def test_the_index_is_walked_and_filters_lose_nothing(store, walking, postgres, address, storage):
    chance = random.Random(5)
    database, knowledge = walking
    build = await store.knowledge.begin(a_collection(), a_manifest(dimensions=WIDE, storage=storage), now_ns=1)
    rows = [[direction(chance) for _ in range(EACH)] for _ in range(DOCUMENTS)]
    for n, each in enumerate(rows):
        chunks = tuple(Chunk(start=at, end=at + 1) for at in range(EACH))
        document = a_document(f"d{n}", "x" * EACH, metadata={"nth": n}, access=("staff",) if n % 2 else ())
        cut = Cut(build.id, chunks, b"".join(row.tobytes() for row in each))
        await store.knowledge.write(build.collection, document, [cut])
    await store.knowledge.ready(build.id)

    recalls = {}
    every = np.array(rows)
    for share, below, reader in ((1, DOCUMENTS, HOUSE), (10, 10, HOUSE), (100, 1, HOUSE), (2, DOCUMENTS, EVERYBODY)):
        may = [n for n in range(below) if reader.everything or n % 2 == 0]
        where = [Condition(field="nth", op="le", value=below - 1)]
        got = 0
        for _ in range(20):
            question = direction(chance)
            hits = await knowledge.dense(build.id, question.tobytes(), reader=reader, where=where, limit=10)
            passages = await knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=HOUSE)
            nearest = np.argsort(-(every[may] @ np.array(question)).ravel())[:10].tolist()
            best = {(may[place // EACH], place % EACH) for place in nearest}
            got += len({(int(each.document[1:]), each.start) for each in passages.values()} & best)
            assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        recalls[share] = got / 200
    await database.close()  # so that the server counts what its connection did

    assert min(recalls.values()) >= 0.98, recalls
    with psycopg.connect(postgres.address) as connection:
        (walks,) = connection.execute(
            "SELECT sum(s.idx_scan) FROM pg_stat_user_indexes s JOIN pg_indexes i "
            "ON i.schemaname = s.schemaname AND i.indexname = s.indexrelname "
            "WHERE s.schemaname = %s AND i.indexdef LIKE '%%USING hnsw%%'",
            (schema_of(address),),
        ).fetchone()
    assert walks >= 80


async def test_ranks_and_filters_are_those_of_the_reference(store):
    chance = random.Random(11)
    reference = await open_store("memory:", clock=SystemClock())
    collection, words = a_collection(), [f"w{n}" for n in range(30)]
    builds = [await each.knowledge.begin(collection, a_manifest(), now_ns=1) for each in (store, reference)]
    facts = (2026, 2025.5, "2026", "é", True, False, ("x", "y"), ("x",), "nul\0")
    for n in range(40):
        text = " ".join(chance.choices(words, range(30, 0, -1), k=chance.randrange(3, 60)))
        metadata = {name: chance.choice(facts) for name in "ab" if chance.random() < 0.8}
        access = tuple(chance.sample(("staff", "board", "\0"), chance.randrange(3)))
        document = a_document(f"d{n}", text, metadata=metadata, access=access)
        for each, build in zip((store, reference), builds, strict=True):
            await put(each, build, document, size=80)

    for _ in range(60):
        question = " ".join(chance.choices(words, k=4))
        reader = chance.choice((HOUSE, EVERYBODY, Reader(tenant="acme", groups=("staff", "\0"))))
        ops = chance.choice(("eq", "ne", "in", "ge", "le", "exists"))
        value = chance.choice((*facts, 2025, "x", "a", ("2026", "é")))
        where = [Condition(field=chance.choice("ab"), op=ops, value=value)] if chance.random() < 0.7 else []
        ours, theirs = [], []
        for each, build, told in zip((store, reference), builds, (ours, theirs), strict=True):
            asked = {"reader": reader, "where": where, "limit": 300}
            for hits in (
                await each.knowledge.lexical(build.id, question, **asked),
                await each.knowledge.dense(build.id, letters(question), **asked),
            ):
                passages = await each.knowledge.passages(
                    build.id, {hit.chunk: hit.score for hit in hits}, reader=reader
                )
                told.append({(p.document, p.start): p.score for p in passages.values()})

        for mine, right in zip(ours, theirs, strict=True):
            assert mine == pytest.approx(right, abs=1e-4), (question, where)
    await reference.close()


async def test_a_text_with_nul_is_kept_and_found(store):
    build = await store.knowledge.begin(a_collection(), a_manifest(), now_ns=1)
    odd = a_document("o\0dd", "bar\0ley", uri="\0.md", metadata={"k\0": "v\0"}, access=("g\0",))
    await put(store, build, odd)

    reader = Reader(tenant="acme", groups=("g\0",))
    ways = await found(store, build, "ley", reader=reader, where=[Condition(field="k\0", value="v\0")])

    assert ways == {"dense": ["bar\0ley"], "lexical": ["bar\0ley"]}
    assert await store.knowledge.document(build.collection, "o\0dd", reader) == odd
    assert [each.id for each in await store.knowledge.known(build.collection)] == ["o\0dd"]


async def test_a_dropped_build_leaves_no_table_behind(store, postgres, address):
    build = await store.knowledge.begin(a_collection(), a_manifest(), now_ns=1)
    await put(store, build, a_document("a", "text"))

    await store.knowledge.drop(build.id)

    with psycopg.connect(postgres.address) as connection:
        left = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename ~ '_[0-9]+$'", (schema_of(address),)
        ).fetchall()
    assert left == []


@pytest.fixture
def bare(postgres):
    """An address of a database without pgvector, by a role that may not make it, and the way to make it so."""
    with psycopg.connect(postgres.address, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {BARE}")
        connection.execute(f"CREATE DATABASE {BARE}")
        connection.execute(f"CREATE ROLE {BARE} LOGIN PASSWORD '{PASSWORD}'")
        connection.execute(f"CREATE SCHEMA AUTHORIZATION {BARE}")
    own = f"{postgres.address.rpartition('/')[0]}/{BARE}"
    with psycopg.connect(own, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA rowen AUTHORIZATION {BARE}")
    yield own.replace("rowen:", f"{BARE}:")
    with psycopg.connect(postgres.address, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {BARE} WITH (FORCE)")
        connection.execute(f"DROP OWNED BY {BARE}")
        connection.execute(f"DROP ROLE {BARE}")


@pytest.mark.parametrize("installed", [True, False])
async def test_without_pgvector_it_is_said_what_to_run_and_words_are_searched_all_the_same(bare, postgres, installed):
    if not installed:  # as on a server that has not got its files
        with psycopg.connect(postgres.address, autocommit=True) as connection:
            connection.execute(f"ALTER ROLE {BARE} SET extension_control_path = '/nowhere'")
    store = await open_store(bare, clock=SystemClock())
    collection = a_collection()

    with pytest.raises(Mistaken, match='CREATE EXTENSION vector SCHEMA public` in the database "bare"') as caught:
        await store.knowledge.begin(collection, a_manifest(), now_ns=1)
    build = await store.knowledge.begin(collection, a_manifest(embedder="", dimensions=0), now_ns=1)
    await put(store, build, a_document("a", "plain words"))
    ways = await found(store, build, "words")
    await store.close()

    assert caught.value.code == "extra_missing"
    assert ("install it on the server" in caught.value.message) is not installed
    assert ways == {"dense": [], "lexical": ["plain words"]}
