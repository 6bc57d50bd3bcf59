"""PostgreSQL as a place: addresses, servers that are away, schemas of other releases, several processes."""

import asyncio
import subprocess
import sys
import textwrap

import psycopg
import pytest
from sqlalchemy import create_engine

from rowen.store.base import SpanFilter, TraceFilter
from rowen.store.catalog import open_store
from rowen.store.migrations.upgrade import upgrade
from rowen.testing.contracts.made import START, a_key, a_trace, an_entry
from rowen.testing.contracts.spans import a_span
from rowen.testing.postgres import PASSWORD, PostgresServer
from rowen.values import Mistaken, Problem, SystemClock, Unavailable


@pytest.fixture
async def store(address: str):
    store = await open_store(address, clock=SystemClock())
    yield store
    await store.close()


@pytest.fixture
def own_server():
    """A server that a test may stop."""
    server = PostgresServer.made()
    yield server
    server.remove()


def schema_of(address: str) -> str:
    return address.partition("schema=")[2]


def asked(server: PostgresServer, statement: str) -> list[tuple]:
    with psycopg.connect(server.address) as connection:
        found = connection.execute(statement)
        return found.fetchall() if found.description else []


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("postgres:", "write `postgres://USER@HOST/DATABASE`"),
        ("postgres:data", "write `postgres://USER@HOST/DATABASE`"),
        ("postgres://u:hush@h/%zz", "write `postgres://USER@HOST/DATABASE`"),
        ("postgres://h/db?schma=x", "schma"),
        ("postgres://h/db?schema=x;drop", "small letters"),
        ("postgres://h/db?connections=few", "connections"),
        ("postgres://h/db?connections=0", "connections"),
    ],
)
async def test_a_wrong_address_is_told_without_its_password(rest, said):
    with pytest.raises(Mistaken, match=said) as caught:
        await open_store(rest, clock=SystemClock())

    assert caught.value.code == "config_invalid"
    assert "hush" not in str(caught.value)


async def test_nobody_there_is_told_at_once_with_the_place():
    with pytest.raises(Unavailable, match=r"PostgreSQL at 127\.0\.0\.1/db cannot be reached") as caught:
        await open_store("postgresql://u:hush@127.0.0.1:1/db", clock=SystemClock())

    assert caught.value.code == "store_unavailable"
    assert "hush" not in str(caught.value)


async def test_a_wrong_password_is_told_and_not_shown(postgres):
    wrong = postgres.address.replace(PASSWORD.replace(" ", "%20"), "hush")

    with pytest.raises(Unavailable, match="password authentication failed") as caught:
        await open_store(wrong, clock=SystemClock())

    assert "hush" not in str(caught.value)


async def test_a_server_that_is_away_is_told_and_used_again_when_it_is_back(own_server):
    store = await open_store(own_server.address, clock=SystemClock())
    await store.keys.put(a_key())
    await store.traces.write([a_trace(1)])
    await asyncio.gather(*(store.counters.add("c", 1, START) for _ in range(8)))

    own_server.stop()

    for work in (
        store.keys.all(),
        store.counters.take("c", 1, 100, START),
        store.traces.find(TraceFilter()),
        store.traces.observe([a_span(1)]),
    ):
        with pytest.raises(Unavailable, match="PostgreSQL at") as caught:
            await work
        assert caught.value.code == "store_unavailable"
    assert all("PostgreSQL at" in state for state in (await store.check()).values())

    own_server.start()

    assert [key.id for key in await store.keys.all()] == ["k1"]
    assert await store.counters.take("c", 5, 10, START, least=1) == 2
    assert len(await store.traces.find(TraceFilter())) == 1
    assert set((await store.check()).values()) == {"ok"}
    await store.close()


async def test_a_database_that_takes_no_writes_is_told_and_still_read(own_server):
    store = await open_store(own_server.address, clock=SystemClock())
    await store.keys.put(a_key())
    asked(own_server, "ALTER ROLE rowen SET default_transaction_read_only = on")
    own_server.stop()
    own_server.start()

    states = set((await store.check()).values())
    with pytest.raises(Unavailable, match="it takes no writes now"):
        await store.counters.add("c", 1, START)

    assert len(states) == 1
    assert "it takes no writes now" in states.pop()
    assert [key.id for key in await store.keys.all()] == ["k1"]
    await store.close()


def test_without_the_driver_the_extra_is_named():
    program = """
import asyncio, sys
sys.modules["psycopg"] = None
from rowen.store.catalog import open_store
from rowen.values import Mistaken, SystemClock
try:
    asyncio.run(open_store("postgres://h/db", clock=SystemClock()))
except Mistaken as problem:
    print(problem.code, problem.message)
"""

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert said == "extra_missing a store at `postgres:` needs `pip install rowen[pg]`\n"


async def test_an_id_that_no_index_can_hold_is_refused_and_a_long_session_is_kept(store):
    long = "".join(chr(0x4E00 + number * 7 % 20_000) for number in range(5_000))

    with pytest.raises(Mistaken, match="longer than the store can look up") as caught:
        await store.traces.observe([a_span(1, long)])
    await store.traces.observe([a_span(1, "t1", session=long, user=long)])

    assert caught.value.code == "field_invalid"
    (row,) = await store.traces.find(TraceFilter(session=long, user=long))
    assert row.id == "t1"
    assert await store.traces.erase("acme", session=long) == 1
    assert await store.traces.find_spans(SpanFilter()) == []


async def test_two_stores_on_one_schema_see_one_another_and_another_schema_sees_nothing(store, address, postgres):
    other = await open_store(address, clock=SystemClock())
    stranger = await open_store(f"{address}x", clock=SystemClock())

    await store.keys.put(a_key())
    await store.traces.observe([a_span(1, input="hay")])

    assert await other.keys.get("k1") == a_key()
    assert len(await other.traces.find_spans(SpanFilter(text="hay"))) == 1
    assert await stranger.keys.all() == []
    assert await stranger.traces.find(TraceFilter()) == []
    for each in (other, stranger):
        await each.close()


async def test_nothing_is_written_outside_of_the_schema(store, address, postgres):
    await store.keys.put(a_key())
    schemas = asked(
        postgres,
        "SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )

    assert ("public",) not in schemas
    assert (schema_of(address),) in schemas


async def test_a_fresh_schema_is_as_the_chain_of_migrations_would_have_made_it(store, address, postgres):
    other = f"{schema_of(address)}m"
    asked(postgres, f"CREATE SCHEMA {other}")
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(postgres.address, options=f"-csearch_path={other}"),
    )
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()

    def columns(schema: str) -> dict[str, list[tuple]]:
        rows = asked(
            postgres,
            "SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns "
            f"WHERE table_schema = '{schema}' ORDER BY 1, 2",
        )
        return {name: [row for row in rows if row[0] == name] for name in {row[0] for row in rows}}

    migrated = columns(other)
    fresh = columns(schema_of(address))
    migrated.pop("alembic_version")
    assert migrated == {name: fresh[name] for name in migrated}


@pytest.mark.parametrize(
    "statement", ["UPDATE {}.alembic_version SET version_num = '9999'", "UPDATE {}.shape SET count = 99"]
)
async def test_a_schema_of_a_newer_release_is_refused_with_the_reason(store, address, postgres, statement):
    asked(postgres, statement.format(schema_of(address)))

    with pytest.raises(Unavailable, match="was written by a newer Rowen") as refused:
        await open_store(address, clock=SystemClock())
    assert refused.value.code == "store_newer"


async def test_an_edit_of_the_audit_log_by_hand_is_found(store, address, postgres):
    for number in range(4):
        await store.audit.append(an_entry(f"e{number}"))
    asked(
        postgres, f"UPDATE {schema_of(address)}.audit SET record = replace(record, 'create', 'revoke') WHERE id = 'e2'"
    )

    assert await store.audit.broken_at() == "e2"


async def test_a_text_with_nul_comes_back_as_it_was_and_half_a_character_is_refused(store):
    odd = a_span(1, "odd\0", input="bar\0ley", session="s\0", tags=("a\0b",), name="\0")

    await store.traces.observe([odd])

    assert await store.traces.span("odd\0", odd.row.id) == odd
    (row,) = await store.traces.find(TraceFilter(session="s\0"))
    assert (row.id, row.tags, row.name) == ("odd\0", ("a\0b",), "\0")
    for wrong in (
        store.traces.observe([a_span(1, input="\ud800")]),
        store.traces.write([a_trace(1, asked="\ud800")]),
        store.keys.get("\0"),
    ):
        with pytest.raises(Mistaken) as caught:
            await wrong
        assert caught.value.code == "field_invalid"
    assert len(await store.traces.find(TraceFilter())) == 1


async def test_words_of_any_length_and_number_can_be_kept(store):
    long = "x" * 5_000
    many = " ".join(chr(0xAC00 + number % 11_000) * (1 + number % 7) for number in range(40_000))

    await store.traces.observe([a_span(1, "long", input=f"{long} hay"), a_span(1, "many", input=many)])

    assert [row.trace for row in await store.traces.find_spans(SpanFilter(text=long))] == ["long"]
    assert await store.traces.find_spans(SpanFilter(text=f"{long}y")) == []
    assert [row.trace for row in await store.traces.find_spans(SpanFilter(text=many[:1]))] == ["many"]


async def test_after_closing_nothing_is_done_and_closing_again_changes_nothing(address):
    store = await open_store(address, clock=SystemClock())
    waiting = [asyncio.ensure_future(store.keys.put(a_key(f"k{number}"))) for number in range(20)]
    await asyncio.sleep(0)

    await store.close()
    await store.close()

    await asyncio.gather(*waiting)
    with pytest.raises(Problem, match="closed"):
        await store.keys.all()
    again = await open_store(address, clock=SystemClock())
    assert len(await again.keys.all()) == 20
    await again.close()


PROGRAM = """
import asyncio, sys
from rowen.store.catalog import open_store
from rowen.testing.contracts.spans import a_span
from rowen.testing.contracts.made import START, HOUR, a_key, a_trace, an_entry
from rowen.values import SystemClock

async def main():
    address, number = sys.argv[1], int(sys.argv[2])
    store = await open_store(address, clock=SystemClock())
{body}
    await store.close()

asyncio.run(main())
"""


@pytest.fixture
def run_two(address: str, run_program):
    """Runs a body in two processes at once; gives what each says."""

    def run(body: str) -> list[str]:
        program = PROGRAM.format(body=textwrap.indent(textwrap.dedent(body), "    "))
        running = [run_program(program, address, number) for number in range(2)]
        said = [process.communicate(timeout=120).strip() for process in running]
        assert [process.returncode for process in running] == [0, 0]
        return said

    return run


async def test_two_processes_that_take_together_reach_the_limit_and_never_pass_it(run_two, address):
    said = run_two(
        """
        takes = [store.counters.take("c", 3, 500, START, least=1) for _ in range(150)]
        print(sum(await asyncio.gather(*takes)))
        """,
    )

    store = await open_store(address, clock=SystemClock())
    assert sum(map(int, said)) == 500
    assert await store.counters.sums(["c"]) == [500]
    await store.close()


async def test_two_processes_hold_shares_that_fit_together(run_two, address):
    said = run_two(
        """
        most = 0
        for amount in range(1, 61):
            if await store.counters.hold("c", str(number), amount, 60, START + HOUR, START):
                most = amount
        print(most)
        """,
    )

    assert sum(map(int, said)) == 60


async def test_two_processes_that_open_and_write_at_once_lose_nothing(run_two, address):
    run_two(
        """
        for at in range(20):
            await asyncio.gather(
                store.audit.append(an_entry(f"{number}-{at}")),
                store.keys.put(a_key(f"{number}-{at}")),
                store.traces.observe([a_span(1 + number * 100 + each, f"t{each % 3}") for each in range(at, at + 5)]),
                store.traces.write([a_trace(number * 1000 + at, session="s1")]),
            )
        """,
    )

    store = await open_store(address, clock=SystemClock())
    assert len(await store.audit.entries(limit=100)) == 40
    assert await store.audit.broken_at() is None
    assert len(await store.keys.all()) == 40
    assert await store.revisions.revision() == 40
    traces = await store.traces.find(TraceFilter(origin="spans"))
    listed = {row.id: await store.traces.spans(row.id) for row in traces}
    assert {row.id: row.spans for row in traces} == {id: len(spans) for id, spans in listed.items()}
    assert sum(row.spans for row in traces) == 48
    (session,) = await store.traces.sessions(tenant=None)
    assert session.traces == 40
    await store.close()
