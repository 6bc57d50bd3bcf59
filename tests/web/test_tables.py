"""The page of the tables that an app knows, read without scripts."""

from typing import Any

import httpx2
from tests.web.conftest import PIECES, SALARY, VAGUE, Site


def test_tables_are_listed_with_their_columns_and_what_was_asked_of_them(stocked: Site):
    site = stocked.reader()

    above, shown = site.get("/knowledge/shop/stock"), site.get("/knowledge/shop/stock/tables")

    assert 'href="/knowledge/shop/stock/tables">2 tables</a>' in above.html
    assert "stock docs/stock.csv Item text, Shelf text, Pieces integer, Price (EUR) number in EUR 3" in shown.text
    assert "pay docs/pay.csv Name text, Role text, Salary integer 3" in shown.text
    assert f"{PIECES} SELECT sum(" in shown.text
    assert shown.text.index(VAGUE) < shown.text.index(SALARY) < shown.text.index(PIECES)
    assert "no table" in shown.text.split(VAGUE)[1].split(SALARY)[0]


def test_one_table_shows_its_first_rows_who_may_read_it_and_only_its_own_questions(stocked: Site):
    site = stocked.reader()
    addresses = {name: f"/knowledge/shop/stock/tables?table={each['id']}" for name, each in listed(stocked).items()}

    stock, pay = site.get(addresses["stock"]), site.get(addresses["pay"])

    assert "&lt;b&gt;nail&lt;/b&gt;" in stock.html
    assert "may be read by everybody" in stock.text
    assert "Price (EUR) price number in EUR" in stock.text
    assert (PIECES in stock.text, SALARY in stock.text, VAGUE in stock.text) == (True, False, False)
    assert "may be read by hr" in pay.text
    assert "Bo Lind driver 38500" in pay.text


def test_who_may_not_read_a_table_sees_neither_it_nor_what_was_asked_of_it(stocked: Site):
    site = stocked.reader(stocked.running.new_key("reads", scopes=("read",)))
    pay = listed(stocked)["pay"]["id"]

    shown = site.get("/knowledge/shop/stock/tables")

    assert PIECES in shown.text
    for hidden in ("pay", "Salary", SALARY, VAGUE):
        assert hidden not in shown.text, hidden
    assert site.get(f"/knowledge/shop/stock/tables?table={pay}").status == 404
    assert site.get("/knowledge/shop/stock/tables?table=nothing").status == 404


def listed(stocked: Site) -> dict[str, Any]:
    """Return the tables as the API lists them to whoever may read them all, by name; one of them is asked for by itself."""
    headers = {"authorization": f"Bearer {stocked.running.admin}"}
    address = f"{stocked.running.url}/api/knowledge/shop/stock/tables"
    found = {each["name"]: each for each in httpx2.get(address, headers=headers).json()["data"]}
    one = httpx2.get(f"{address}/{found['pay']['id']}", headers=headers).json()["data"]
    assert (one["access"], one["first"][0]) == (["hr"], ["Ada Brenn", "clerk", 41000])
    return found
