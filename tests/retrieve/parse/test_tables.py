"""Files as tables: headers, names, types, and what is left as it is since it may mean two things."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.retrieve.parse import sheet
from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.grid import table_of_record, together
from rowen.retrieve.parse.table import parse
from rowen.retrieve.parse.typed import typed
from rowen.values import Mistaken, Table

FIXTURES = Path(__file__).parent / "fixtures"


def read(text: str, name: str = "stock.csv") -> Parsed:
    return parse(text.encode(), name, Limits())


def table(text: str, name: str = "stock.csv") -> Table:
    (found,) = read(text, name).tables
    return found


def column(*cells: str, separator: str = ",") -> tuple[str, str, tuple[object, ...]]:
    """Return type, unit and values of a column with these cells, in a file with such a separator."""
    quoted = [f'"{each}"' for each in cells]
    found = table("\n".join(separator.join(("name", each)) for each in ("what", *quoted)))
    return found.columns[1].type, found.columns[1].unit, tuple(row[1] for row in found.rows)


@pytest.mark.parametrize(
    ("cells", "type", "unit", "values"),
    [
        (("1", "-2", "+3"), "integer", "", (1, -2, 3)),
        (("1.5", "2", ""), "number", "", (1.5, 2, None)),
        (("1,234", "12"), "integer", "", (1234, 12)),
        (("1,234.50", "7.25"), "number", "", (1234.5, 7.25)),
        (("1.234,50", "7,25"), "number", "", (1234.5, 7.25)),
        (("12,5", "1.200"), "number", "", (12.5, 1200)),
        (("1 234,5", "2 000 000,25"), "number", "", (1234.5, 2000000.25)),
        (("1'234.5", "5"), "number", "", (1234.5, 5)),
        (("1.234.567", "5"), "integer", "", (1234567, 5)),
        (("€ 12.50", "€3"), "number", "€", (12.5, 3)),
        (("12.50 EUR", "3 EUR"), "number", "EUR", (12.5, 3)),
        (("45 %", "7%"), "integer", "%", (45, 7)),
        (("5 kg", "7 kg", "n/a"), "integer", "kg", (5, 7, None)),
        (("(1,200)", "300"), "integer", "", (-1200, 300)),
        (("−5", "-"), "integer", "", (-5, None)),
        (("2026-01-05", "2026/2/7"), "date", "", ("2026-01-05", "2026-02-07")),
        (("05.01.2026", ""), "date", "", ("2026-01-05", None)),
        (("13/02/2026", "03/04/2026"), "date", "", ("2026-02-13", "2026-04-03")),
        (("02/13/2026", "03/04/2026"), "date", "", ("2026-02-13", "2026-03-04")),
        (("5 March 2026", "Mar 7, 2026"), "date", "", ("2026-03-05", "2026-03-07")),
        (("2026-01-05 09:30", "2026-01-05T10:00:05Z"), "time", "", ("2026-01-05 09:30:00", "2026-01-05 10:00:05")),
    ],
)  # fmt: skip
def test_figures_and_days_are_read_as_they_are_written(
    cells: tuple[str, ...], type: str, unit: str, values: tuple[object, ...]
) -> None:
    assert column(*cells) == (type, unit, values)


@pytest.mark.parametrize(
    "cells",
    [
        ("03/04/2026", "05/06/2026"),  # day or month first
        ("13/02/2026", "02/13/2026"),  # both
        ("30.02.2026", "01.01.2026"),
        ("00123", "00456"),  # a code
        ("5 kg", "300 g"),
        ("1,5", "2.5"),  # two signs before decimals in one column
        ("12345678901234567", "1"),  # more digits than a number here has
        ("+49 30 1234567", "1"),
        ("1.2.3", "4.5.6"),
        ("3", "many"),
        ("1e5", "2"),
        ("12:30", "13:30"),
        ("yes", "no"),
    ],
)
def test_what_may_mean_two_things_stays_text(cells: tuple[str, ...]) -> None:
    assert column(*cells) == ("text", "", cells)


def test_a_comma_or_a_point_is_read_as_the_rest_of_the_file_proves() -> None:
    proved = table("name;a;b\nx;1.234;0,5\ny;2.500;1,25\n")
    open_ = table("name;a\nx;1.234\ny;2.500\n")

    assert [row[1:] for row in proved.rows] == [(1234, 0.5), (2500, 1.25)]
    assert [row[1] for row in open_.rows] == ["1.234", "2.500"]  # a file with semicolons may mean either


def test_a_header_below_a_title_is_found_and_totals_and_notes_are_left_out() -> None:
    found = table(
        "Stock of 2026,,\n,,\nItem,Pieces (pcs),Shelf\nnail,10,A\n\nscrew,3,B\nSubtotal,13,\nbolt,4,A\nTotal,17,\n* counted in May,,\n"
    )

    assert (found.title, found.name, found.totals) == ("Stock of 2026", "stock", 2)
    assert found.rows == (("nail", 10, "A"), ("screw", 3, "B"), ("bolt", 4, "A"))
    assert found.places == (4, 6, 8)
    assert [(each.name, each.title, each.unit) for each in found.columns] == [
        ("item", "Item", ""), ("pieces", "Pieces (pcs)", "pcs"), ("shelf", "Shelf", ""),
    ]  # fmt: skip


def test_years_may_be_names_of_columns_and_an_index_may_have_none() -> None:
    found = table(",Region,2024,2025\n0,North,5,6\n1,South,7,8\n")

    assert [each.name for each in found.columns] == ["column", "region", "t_2024", "t_2025"]
    assert found.rows[0] == (0, "North", 5, 6)


def test_names_of_columns_are_each_there_once() -> None:
    found = table("Price (EUR),Price (USD),Was,Was,select\n1,2,a,b,c\n")

    assert [each.name for each in found.columns] == ["price_eur", "price_usd", "was", "was_2", "select"]


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,5,6\n",  # no header
        "item,pieces\nnail,1,A,B\nscrew,2,C,D\n",  # more places than names
        "just one line",
        "item,pieces\n",
        "item\nnail\nscrew\n",
    ],
)
def test_rows_that_are_no_table_are_text_and_say_so(text: str) -> None:
    found = read(text)

    assert found.tables == ()
    assert "untabled" in found.flags
    assert found.text


@pytest.mark.parametrize("name", ["prices.xlsx", "libreoffice.ods", "libreoffice.xls"])
def test_sheets_that_are_shown_are_tables_but_those_of_notes(name: str) -> None:
    found = sheet.parse((FIXTURES / name).read_bytes(), name, Limits())

    (prices,) = found.tables
    assert [each.type for each in prices.columns[:3]] == ["text", "number", "time"]
    assert [row[:3] for row in prices.rows] == [("Pen", 1.5, "2025-03-01 00:00:00"), ("Ink", 3, "2025-04-01 09:30:00")]
    assert (prices.name, prices.places, found.flags) == ("prices", (2, 3), ())


@pytest.mark.parametrize("reader", [parse, sheet.parse])
@given(data=st.binary(max_size=400))
def test_no_file_makes_the_reader_of_tables_fall_over(reader: object, data: bytes) -> None:
    try:
        reader(data, "x", Limits())  # type: ignore[operator]
    except Mistaken as problem:
        assert problem.code.startswith("document_")


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                ["", "1", "1,5", "1.234", "(2)", "€ 3", "x", "Total", "2026-01-02", "0/0/0000", "99:99", "²", "١"]
            ),
            max_size=4,
        ),
        max_size=8,
    )
)
def test_every_cell_of_a_table_is_of_its_columns_type(rows: list[list[str]]) -> None:
    found = read("\n".join(",".join(f'"{cell}"' for cell in row) for row in rows) or " ")

    for each in found.tables:
        for number, one in enumerate(each.columns):
            kinds = {"integer": int, "number": int | float}.get(one.type, str)
            assert all(row[number] is None or isinstance(row[number], kinds) for row in each.rows)


def test_rows_of_a_database_make_one_table_of_the_types_that_fit_all() -> None:
    rows = [
        table_of_record({"id": 1, "price": 5, "sold": "2026-01-02", "code": "7", "blob": b"\0"}, "Sales"),
        table_of_record({"id": 2, "price": 5.5, "sold": None, "code": "x", "blob": None}, "Sales"),
    ]

    found = together(rows)

    assert [each.type for each in found.columns] == ["integer", "number", "date", "text", "text"]
    assert found.rows == ((1, 5, "2026-01-02", "7", None), (2, 5.5, None, "x", None))
    assert found.part


def test_numbers_that_no_query_can_hold_stay_text() -> None:
    assert typed([float("inf"), 1.0], ".").type == "text"
    assert typed([10**30, 1], ".").type == "text"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(end: str):
    assert [column.name for column in table(f"city,people{end}Ulm,7{end}Bonn,9{end}").columns] == ["city", "people"]
