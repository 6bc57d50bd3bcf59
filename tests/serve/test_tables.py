"""Figures of a table through the doors of a whole server, for those who may read it."""

import time

import httpx2

from rowen.store.base import TraceFilter
from rowen.testing.serving import Running, serving

APP = """
[app]
name = "shop"
[models.quote]
provider = "extract"
[retrieve.stock]
embed = ""
source = [{ at = "docs/*", options = { rules = [{ match = "docs/pay.csv", access = ["hr"] }] } }]
"""
STOCK = "Item;Shelf;Pieces;Price (EUR)\nnail;A;1.000;0,10\nscrew;B;250;0,20\nbolt;A;40;1,05\n"
PAY = "Name,Role,Salary\nAda Brenn,clerk,41000\nBo Lind,driver,38500\nCem Oz,clerk,43000\n"


def asked(running: Running, question: str, key: str) -> dict:
    body = {"model": "quote", "messages": [{"role": "user", "content": question}]}
    reply = httpx2.post(
        f"{running.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}, timeout=20
    )
    assert reply.status_code == 200, reply.text
    return reply.json()["choices"][0]["message"]


def tables_asked(running: Running) -> set[int]:
    """Return how many tables questions were held against, of the calls that the traces have by now."""
    traces = running.opened.store.traces
    rows = running.do(traces.find(TraceFilter(limit=10)))
    spans = [span for row in rows for span in running.do(traces.get(row.id)).spans]
    return {span.attributes["rowen.tables"] for span in spans if span.name == "retrieve.tables"}


def test_a_figure_is_exact_and_cited_with_its_query_and_kept_from_those_who_may_not_read_the_table(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "stock.csv").write_text(STOCK)
    (tmp_path / "docs" / "pay.csv").write_text(PAY)
    (tmp_path / "docs" / "broken.xlsx").write_bytes(b"PK\x03\x04 is no workbook")
    (tmp_path / "app.toml").write_text(APP)
    with serving(tmp_path / "app.toml") as running:
        until = time.monotonic() + 30
        while "[1]" not in (said := asked(running, "How many pieces are on shelf A?", running.key))["content"]:
            assert time.monotonic() < until, said
            time.sleep(0.05)
        clerk = running.new_key("clerk", groups=("hr",))
        question = "What is the average salary of a clerk?"
        known, hidden = (asked(running, question, key)["content"] for key in (clerk, running.key))
        while tables_asked(running) != {1, 2}:  # the salaries are there for the clerk alone
            assert time.monotonic() < until, tables_asked(running)
            time.sleep(0.05)
        (aside,) = running.do(running.opened.store.records.find("retrieve.quarantine", app="shop"))

    assert said["content"].startswith("The sum of Pieces where Shelf is A is 1040. [1]")
    (cited, *_) = said["annotations"]
    assert cited["url_citation"]["url"] == "docs/stock.csv"
    assert cited["url_citation"]["rowen"]["query"] == "SELECT sum(pieces) FROM stock WHERE shelf = 'A'"
    assert cited["url_citation"]["rowen"]["verified"]
    assert "The average Salary where Role is clerk is 42000. [1]" in known
    assert "42000" not in hidden
    assert "41000" not in hidden
    assert "broken.xlsx" in str(aside)
