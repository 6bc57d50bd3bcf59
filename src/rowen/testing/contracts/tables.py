"""What every store must do with the tables of documents. `KnowledgeContract` holds these tests."""

from rowen.store.base import Store
from rowen.testing.contracts.documents import (
    EVERYBODY,
    HOUSE,
    a_build,
    a_document,
    put,
)
from rowen.values import Column, ColumnType, Condition, Reader, Table


def a_table(name: str, rows: int) -> Table:
    """Return a table of so many rows, with every kind of cell."""
    types: tuple[tuple[str, ColumnType], ...] = (
        ("what", "text"), ("pieces", "integer"), ("price", "number"), ("day", "date"),
    )  # fmt: skip
    columns = tuple(
        Column(name=each, title=each.title(), type=type, unit="€" if type == "number" else "") for each, type in types
    )
    cells = tuple((f"Größe {at}\0", at or None, at / 10, f"2026-01-{at + 1:02}") for at in range(rows))
    return Table(name=name, title=name.title(), columns=columns, rows=cells, places=tuple(range(2, rows + 2)))


class TablesContract:
    """Tables of documents, and their rows."""

    async def test_tables_are_handed_out_to_those_who_may_read_their_document(self, store: Store) -> None:
        build = await a_build(store)
        everybodys = a_document(
            "d1", "prices", tables=(a_table("prices", 3), a_table("fees", 2)), title="P", modified_ns=5
        )
        staffs = a_document(
            "d2", "salaries", tables=(a_table("salaries", 4),), access=("staff",), metadata={"year": 2026}
        )
        await put(store, build, everybodys, staffs)

        async def names(reader: Reader, *where: Condition) -> list[str]:
            found = await store.knowledge.tables(build.collection, reader=reader, where=where)
            rows = await store.knowledge.rows(build.collection, found, reader=reader)
            assert [
                each.table.but(rows=rows.rows, places=rows.places)
                for each, rows in zip(found, rows, strict=True)
                if rows
            ] == rows
            return [each.table.name for each in found]

        assert await names(EVERYBODY) == ["prices", "fees"]
        assert await names(Reader(tenant="acme", groups=("staff",))) == ["prices", "fees", "salaries"]
        assert await names(HOUSE, Condition(field="year", value=2026)) == ["salaries"]
        assert await names(Reader(tenant="other", everything=True)) == []
        for limit, many in ((0, 0), (2, 2), (3, 3), (9, 3)):
            assert len(await store.knowledge.tables(build.collection, reader=HOUSE, limit=limit)) == many
        (first, *_) = await store.knowledge.tables(build.collection, reader=EVERYBODY)
        assert (first.document, first.version, first.uri, first.size) == ("d1", everybodys.version, "d1.md", 3)
        assert (first.title, first.modified_ns, first.table.rows) == ("P", 5, ())

    async def test_rows_of_a_table_are_those_of_the_version_that_was_listed(self, store: Store) -> None:
        build = await a_build(store)
        old = a_document("d1", "prices", tables=(a_table("prices", 3),))
        await put(store, build, old)
        listed = await store.knowledge.tables(build.collection, reader=HOUSE)
        hidden = a_document("d1", "prices", tables=(a_table("prices", 4),), access=("staff",))

        assert await store.knowledge.rows(build.collection, listed, reader=HOUSE) == list(old.tables)
        await put(store, build, hidden)
        assert await store.knowledge.rows(build.collection, listed, reader=HOUSE) == [None]
        newer = await store.knowledge.tables(build.collection, reader=HOUSE)
        assert await store.knowledge.rows(build.collection, newer, reader=EVERYBODY) == [None]
        assert await store.knowledge.rows(build.collection, newer, reader=HOUSE) == list(hidden.tables)

    async def test_no_row_stays_of_a_table_whose_document_is_removed_or_has_none_any_more(self, store: Store) -> None:
        build = await a_build(store)
        await put(store, build, *(a_document(id, "prices", tables=(a_table("prices", 3),)) for id in ("d1", "d2")))
        listed = await store.knowledge.tables(build.collection, reader=HOUSE)

        await store.knowledge.remove(build.collection, ["d1"], now_ns=1)
        await put(store, build, a_document("d2", "prices"))

        assert await store.knowledge.tables(build.collection, reader=HOUSE) == []
        assert await store.knowledge.rows(build.collection, listed, reader=HOUSE) == [None, None]
