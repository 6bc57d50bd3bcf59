"""The pages of which model was chosen."""

import pytest

from rowen.evaluate.choice import Candidate, CatalogueTable, Choice
from rowen.values import SystemClock
from rowen.values.interval import Interval, wilson


def candidate(run: str, good: int, dollars: float | None, **more) -> Candidate:
    spread = Interval(value=dollars, low=dollars or 0.0, high=(dollars or 0.0) * 2, n=50, method="bca")
    return Candidate(
        run=run,
        name=f"<i>{run}</i>",
        quality=wilson(good, 50),
        cost=spread,
        p95=Interval(value=900.0, low=800.0, high=1200.0, n=50, method="bca"),
        failed=wilson(0, 50),
        **more,
    )


@pytest.fixture
def filed(site) -> str:
    """A report in which nothing is chosen yet; its address."""
    known = CatalogueTable(licence="Apache-2.0", tasks=("summaries",))
    report = Choice(
        id="report",
        app="shop",
        metric="right",
        higher_is_better=True,
        pairs=50,
        candidates=(
            candidate("large", 45, 0.0123, catalogue=known, model="large"),
            candidate("small", 44, None, dominated=("large",), warnings=("it is switched off on 2027-01-01",)),
        ),
        made_ns=SystemClock().now_ns(),
    )
    site.running.do(Choice.shelf(site.running.opened.store.records).put(report))
    return "/choices/report"


def test_the_list_says_what_is_open_and_the_report_holds_candidates_against_one_another(site, filed):
    reader = site.reader()

    listed, shown = reader.get("/choices"), reader.get(filed)

    assert "open" in listed.text
    assert "0.9 0.786 to 0.957" in shown.text
    assert "$0.012 $0.012 to $0.025" in shown.text
    assert "900 ms 800 ms to 1.20 s" in shown.text
    assert "unknown" in shown.text
    assert "by the estimates, not surely" in shown.text
    assert "licence Apache-2.0" in shown.text
    assert "it is switched off on 2027-01-01" in shown.text
    assert "<i>large" not in shown.html


def test_whoever_may_manage_writes_down_what_is_chosen_and_why(site, filed):
    reader = site.reader()

    sent = reader.post(filed, csrf=reader.token(reader.get(filed)), chosen="small", because="A tenth of the cost.")
    shown = reader.get(filed)

    assert sent.status == 303
    assert "Chosen: <i>small</i>, by admin" in shown.text
    assert "A tenth of the cost." in shown.text


@pytest.mark.parametrize(("form", "status"), [({"chosen": "none", "because": "x"}, 400), ({"chosen": "small"}, 400)])
def test_what_cannot_be_chosen_is_refused(site, filed, form, status):
    reader = site.reader()

    assert reader.post(filed, csrf=reader.token(reader.get(filed)), **form).status == status


def test_a_reader_sees_only_what_is_theirs_and_cannot_choose(site, filed):
    mine = site.reader(site.running.new_key("reads choices", tenant="default", scopes=("read",)))
    others = site.reader(site.running.new_key("reads others", tenant="acme", scopes=("read",)))

    assert "Write it down" not in mine.get(filed).text
    assert mine.post(filed, csrf=mine.token(mine.get("/traces")), chosen="small", because="x").status == 403
    assert others.get(filed).status == 404
    assert "shop" not in others.get("/choices").text
