"""Rows of a database as documents: mapped, polled by a cursor, and gone when their keys are."""

import sqlite3

import psycopg
import pytest

from rowen.retrieve.base import SourceTable
from rowen.retrieve.load import Ports, source_of
from rowen.values import Mistaken, Unavailable

QUERY = "SELECT id, name, about, team, price, groups, updated FROM product"


@pytest.fixture
def shop(tmp_path):
    base = sqlite3.connect(tmp_path / "shop.db")
    base.execute("CREATE TABLE product (id INTEGER, name, about, team, price REAL, groups, updated)")
    base.executemany("INSERT INTO product VALUES (?, ?, ?, ?, ?, ?, ?)", [
        (1, "Pen", "Writes in blue.", "desk", 1.5, None, "2026-01-01 10:00:00"),
        (2, "Ink", "For the pen.", "desk", 3.0, "sales, hr", "2026-01-02 10:00:00"),
    ])  # fmt: skip
    base.commit()
    yield base
    base.close()


def rows(folder, query: str = QUERY, **options):
    plain = {
        "url": {"env": "SHOP"}, "key": ["id"], "title": "name", "text": ["about"], "metadata": ["team", "price"],
        "access": "groups", "cursor": "updated",
    }  # fmt: skip
    table = SourceTable(kind="sql", at=query, options={**plain, **options})
    return source_of(table, Ports(), environment=lambda _: f"sqlite:///{folder}/shop.db")


async def looked(source, since: str = ""):
    return [listed async for listed in source.listed(since)]


async def test_a_row_is_a_document_with_title_text_metadata_access_and_date(shop, tmp_path):
    source = rows(tmp_path)

    pen, ink = [await source.fetch(listed, "") for listed in await looked(source)]

    assert (pen.uri, pen.title, pen.data, pen.kind) == ("1", "Pen", b"Writes in blue.", "text")
    assert pen.metadata == {"team": "desk", "price": 1.5}
    assert pen.access is None
    assert ink.access == ("sales", "hr")
    assert ink.modified_ns > pen.modified_ns > 0


async def test_only_what_changed_since_is_read_and_what_is_gone_is_missing_among_the_keys(shop, tmp_path):
    source = rows(tmp_path)
    await looked(source)
    reached = source.reached
    shop.execute("INSERT INTO product VALUES (3, 'Cup', 'Holds tea.', 'kitchen', 5, NULL, '2026-01-03 10:00:00')")
    shop.execute("DELETE FROM product WHERE id = 1")
    shop.commit()

    found = await looked(source, reached)

    assert reached == "2026-01-02 10:00:00"
    assert {listed.uri: listed.still for listed in found} == {"2": False, "3": False}
    assert source.reached == "2026-01-03 10:00:00"


async def test_rows_before_the_cursor_are_still_there_without_being_read(shop, tmp_path):
    source = rows(tmp_path)

    found = await looked(source, "2026-01-02 10:00:00")

    assert {listed.uri: listed.still for listed in found} == {"1": True, "2": False}


async def test_a_row_that_is_read_again_and_is_as_it_was_is_no_change(shop, tmp_path):
    source = rows(tmp_path)
    first = {listed.uri: listed.raw for listed in await looked(source)}
    again = await looked(source)

    assert {listed.uri: listed.raw for listed in again} == first
    assert await source.fetch(again[0], again[0].raw) is None


async def test_without_a_cursor_all_rows_are_read_and_told_by_their_content(shop, tmp_path):
    source = rows(tmp_path, cursor="", modified="updated")
    before = {listed.uri: listed.raw for listed in await looked(source)}
    shop.execute("UPDATE product SET about = 'Writes in red.' WHERE id = 1")
    shop.commit()

    after = {listed.uri: listed.raw for listed in await looked(source)}

    assert before["1"] != after["1"]
    assert before["2"] == after["2"]


async def test_columns_left_out_make_the_text_with_their_names(shop, tmp_path):
    source = rows(tmp_path, text=[], metadata=[])

    first = (await looked(source))[0]

    assert (await source.fetch(first, "")).data == b"about: Writes in blue.\nteam: desk\nprice: 1.5"


async def test_keys_of_several_columns_cannot_be_mixed_up(tmp_path, shop):
    query = "SELECT 'a/b' AS x, 'c' AS y, 't' AS about UNION SELECT 'a', 'b/c', 't'"
    source = rows(tmp_path, query, key=["x", "y"], title="", metadata=[], access="", cursor="")

    assert sorted(listed.uri for listed in await looked(source)) == ["a%2Fb/c", "a/b%2Fc"]


async def test_the_database_is_read_and_never_written(shop, tmp_path):
    with pytest.raises(Mistaken):
        rows(tmp_path, "DELETE FROM product")
    with pytest.raises(Unavailable):
        await looked(rows(tmp_path, "WITH x AS (SELECT 1) DELETE FROM product RETURNING id", cursor=""))

    assert shop.execute("SELECT count(*) FROM product").fetchone() == (2,)


@pytest.mark.parametrize("query", ["SELECT nothing FROM product", "SELECT * FROM gone"])
async def test_a_query_that_fails_is_a_source_that_cannot_be_read(shop, tmp_path, query):
    with pytest.raises(Unavailable) as caught:
        await looked(rows(tmp_path, query))

    assert caught.value.code == "source_unreadable"


async def test_a_column_that_the_query_does_not_give_is_named(shop, tmp_path):
    with pytest.raises(Mistaken) as caught:
        await looked(rows(tmp_path, title="nmae"))

    assert '"nmae"' in caught.value.message


async def test_rows_of_postgresql_are_read_alike(address):
    schema = address.partition("?schema=")[2]
    plain = address.partition("?")[0]
    with psycopg.connect(plain, autocommit=True) as base:
        base.execute(f"CREATE SCHEMA {schema}")
        base.execute(f"CREATE TABLE {schema}.product (id int, about text, updated timestamptz)")
        base.execute(
            f"INSERT INTO {schema}.product VALUES (1, 'Writes.', now()), (2, 'Draws.', now() + interval '1 second')"
        )
    table = SourceTable(
        kind="sql",
        at=f"SELECT * FROM {schema}.product",
        options={"url": {"env": "PG"}, "key": ["id"], "text": ["about"], "cursor": "updated"},
    )
    url = plain.replace("postgres://", "postgresql+psycopg://").replace("postgresql://", "postgresql+psycopg://")
    source = source_of(table, Ports(), environment=lambda _: url)

    first = await looked(source)
    later = await looked(source, source.reached)

    assert [listed.uri for listed in first] == ["1", "2"]
    assert {listed.uri: listed.still for listed in later} == {"1": True, "2": False}
