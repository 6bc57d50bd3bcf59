"""What a query over tables may do, and that what it works out is exact."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.store.tables import Bounds, Condition, Measure, Opened, Query, Sort, places, written
from rowen.testing.clock import FakeClock
from rowen.values import Cell, Column, ColumnType, Mistaken, SystemClock, Table


def table(*columns: tuple[str, ColumnType], rows: tuple[tuple[Cell, ...], ...], name: str = "stock") -> Table:
    made = tuple(Column(name=each, title=each, type=type) for each, type in columns)
    return Table(name=name, title=name, columns=made, rows=rows, places=tuple(range(2, len(rows) + 2)))


STOCK = table(
    ("item", "text"), ("pieces", "integer"), ("price", "number"), ("day", "date"),
    rows=(("nail", 10, 0.1, "2026-01-05"), ("Screw", 3, 0.2, "2026-02-07"), ("bolt", None, 0.7, None), ("screw", 4, 1.1, "2026-02-09")),
)  # fmt: skip


@pytest.fixture
def stock() -> Opened:
    return Opened({"stock": STOCK}, SystemClock())


def refused(opened: Opened, sql: str) -> Mistaken:
    with pytest.raises(Mistaken) as caught:
        opened.ask(sql)
    assert caught.value.code == "table_query"
    return caught.value


@pytest.mark.parametrize(
    ("sql", "reason", "why"),
    [
        ("DROP TABLE stock", "not_allowed", "makes or removes tables"),
        ("CREATE TABLE x (a)", "not_allowed", "makes or removes tables"),
        ("CREATE TEMP TABLE x AS SELECT * FROM stock", "not_allowed", ""),
        ("ALTER TABLE stock ADD COLUMN x", "not_allowed", ""),
        ("INSERT INTO stock DEFAULT VALUES", "not_allowed", "INSERT"),
        ("UPDATE stock SET pieces = 0", "not_allowed", "UPDATE"),
        ("DELETE FROM stock", "not_allowed", "DELETE"),
        ("ATTACH DATABASE ':memory:' AS other", "not_allowed", "attaches a database"),
        ("VACUUM INTO '/tmp/stolen.db'", "not_allowed", ""),
        ("PRAGMA query_only = OFF", "not_allowed", "PRAGMA"),
        ("SELECT * FROM pragma_database_list, stock", "not_allowed", ""),
        ("SELECT * FROM pragma_table_info('stock')", "not_allowed", ""),
        ("SELECT count(*) FROM sqlite_master", "not_allowed", "sqlite_master"),
        ("SELECT name FROM sqlite_schema, stock", "not_allowed", "sqlite_master"),
        ("SELECT * FROM json_each('[1]'), stock", "not_allowed", ""),
        ("BEGIN", "not_allowed", "transaction"),
        ("SAVEPOINT a", "not_allowed", "savepoint"),
        ("SELECT load_extension('/tmp/evil.so') FROM stock", "not_allowed", "load_extension()"),
        ("SELECT randomblob(1000000000) FROM stock", "not_allowed", "randomblob()"),
        ("SELECT printf('%1000000000d', 1) FROM stock", "not_allowed", "printf()"),
        ("SELECT replace(item, 'a', 'aaaaaaaa') FROM stock", "not_allowed", "replace()"),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r", "not_allowed", "RECURSIVE"),
        ("SELECT readfile('/etc/passwd') FROM stock", "invalid", "no such function"),
        ("SELECT * FROM salaries", "invalid", "no such table: salaries"),
        ("SELECT * FROM other.stock", "invalid", "no such table"),
        ("SELECT colour FROM stock", "invalid", "no such column: colour"),
        ("SELECT 1; DROP TABLE stock", "invalid", "one statement"),
        ("SELECT 'a\0b' FROM stock", "invalid", ""),
        ("SELEC item FROM stock", "invalid", "syntax error"),
        ("EXPLAIN SELECT * FROM stock", "invalid", "no SELECT"),
        ("", "invalid", "no SELECT"),
        ("-- nothing", "invalid", "no SELECT"),
        ("SELECT sum(item) FROM stock", "invalid", "column of text"),
        ("SELECT " + "(" * 200 + "1" + ")" * 200 + " FROM stock", "invalid", ""),
        ("SELECT item FROM stock WHERE item IN (" + "'x'," * 10_000 + "'y')", "invalid", ""),
        ("SELECT 42", "no_table", "reads none of the tables"),
        ("SELECT count(*) FROM (SELECT 1)", "no_table", "reads none of the tables"),
        ("VALUES (1), (2)", "no_table", "reads none of the tables"),
    ],
)  # fmt: skip
def test_a_query_that_does_more_than_read_its_tables_is_refused_with_the_reason(
    stock: Opened, sql: str, reason: str, why: str
) -> None:
    problem = refused(stock, sql)

    assert problem.place == reason
    assert why in problem.message
    assert stock.ask("SELECT count(*), sum(pieces) FROM stock").rows == ((4, 17),)


def test_a_query_that_takes_too_many_steps_is_stopped() -> None:
    opened = Opened({"stock": STOCK}, SystemClock(), Bounds(steps=200_000))

    problem = refused(opened, f"SELECT count(*) FROM {', '.join(f'stock t{at}' for at in range(12))}")

    assert problem.place == "too_slow"
    assert opened.ask("SELECT count(*) FROM stock").rows == ((4,),)


def test_a_query_is_stopped_by_the_clock_however_few_its_steps() -> None:
    class Late(FakeClock):
        def monotonic(self) -> float:
            self.move(1)
            return super().monotonic()

    opened = Opened({"stock": STOCK}, Late(), Bounds(seconds=3))

    assert refused(opened, f"SELECT count(*) FROM {', '.join(f'stock t{at}' for at in range(9))}").place == "too_slow"


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT sum(price) FROM stock", ((2.1,),)),
        ("SELECT sum(price) FROM stock WHERE pieces > 3", ((1.2,),)),
        ("SELECT avg(price), median(price), median(pieces) FROM stock", ((0.525, 0.45, 4),)),
        ("SELECT sum(pieces), avg(pieces), total(pieces) FROM stock WHERE pieces IS NULL", ((None, None, None),)),
        ("SELECT sum(price) OVER (ORDER BY _row ROWS 1 PRECEDING) FROM stock", ((0.1,), (0.3,), (0.9,), (1.8,))),
        ("SELECT item FROM stock WHERE item = 'SCREW' ORDER BY _row", (("Screw",), ("screw",))),
        ("SELECT _row FROM stock WHERE day >= '2026-02-08'", ((5,),)),
        ("WITH dear AS (SELECT * FROM stock WHERE price > 0.5) SELECT count(*) FROM dear", ((2,),)),
        ("SELECT item, row_number() OVER (ORDER BY price DESC) AS at FROM stock LIMIT 1", (("screw", 1),)),
        ("SELECT strftime('%Y', day) AS y, count(*) FROM stock WHERE day IS NOT NULL GROUP BY y", (("2026", 3),)),
    ],
)
def test_a_query_gives_exact_figures(stock: Opened, sql: str, rows: Any) -> None:
    assert stock.ask(sql).rows == rows


@given(st.lists(st.decimals(min_value=-10_000, max_value=10_000, places=2), min_size=1, max_size=40))
def test_a_sum_of_decimals_is_what_decimals_sum_up_to(values: list[Decimal]) -> None:
    rows = tuple((float(each),) for each in values)
    opened = Opened({"stock": table(("price", "number"), rows=rows)}, SystemClock())

    ((found,),) = opened.ask("SELECT sum(price) FROM stock").rows
    opened.close()

    assert found == float(sum(values))


def test_rows_beyond_the_bound_are_left_out_and_said_so() -> None:
    rows = tuple((at,) for at in range(500))
    opened = Opened({"stock": table(("pieces", "integer"), rows=rows)}, SystemClock())

    found = opened.ask("SELECT pieces FROM stock")

    assert (len(found.rows), found.more) == (200, True)
    assert opened.ask("SELECT pieces FROM stock LIMIT 200").more is False


@pytest.mark.parametrize("name", ["order", "größe", "select", 'a"b', "two words", "x; DROP TABLE stock"])
@pytest.mark.parametrize("value", ["it's", "'; DROP TABLE stock; --", 'say "no"', "ä\n"])
def test_names_and_values_stay_what_they_are(name: str, value: str) -> None:
    opened = Opened(
        {name: table((name, "text"), ("pieces", "integer"), rows=((value, 1), ("other", 2)))}, SystemClock()
    )
    where = (Condition(name, "=", value),)
    query = Query(name, (name,), (Measure("sum", "pieces"),), where, (name,), Sort("", falling=True), 3)

    assert opened.ask(written(query)).rows == ((value, 1),)
    assert opened.ask(places(query)).rows == ((2,),)


def test_a_query_is_written_as_people_would() -> None:
    query = Query(
        "orders",
        ("region",),
        (Measure("sum", "quantity"),),
        (
            Condition("day", "begins", "2025-03"),
            Condition("quantity", ">=", 3),
            Condition("region", "in", ("North", "South")),
            Condition("price", "<>", None),
        ),
        ("region",),
        Sort("", falling=True),
        1,
    )

    assert written(query) == (
        "SELECT region, sum(quantity) FROM orders WHERE substr(day, 1, 7) = '2025-03' AND quantity >= 3 "
        "AND region IN ('North', 'South') AND price IS NOT NULL GROUP BY region ORDER BY sum(quantity) DESC, region LIMIT 1"
    )
