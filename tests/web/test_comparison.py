"""The page of runs side by side."""

import pytest

from rowen.evaluate.run.base import shelf
from rowen.values import Outcome, Run, Target


@pytest.fixture
def tried(site):
    """Three runs of one tenant over the same cases; German got worse in one of them."""
    store = site.running.opened.store
    for id, worse in (("old", False), ("new", True), ("same", False)):
        run = Run(
            id=id,
            created_ns={"old": 1, "new": 2, "same": 3}[id],
            app="shop",
            target=Target(kind="callable", name=f"<i>{id}</i>"),
            metrics=("right",),
            state="done",
        )
        site.running.do(shelf(store.records).put(run))
        outcomes = [
            Outcome(
                case=f"c{n:02}",
                answer=f"<b>answer</b> {'nein' if worse and n % 2 else 'ja'} of {n}",
                numbers={"right": float(not (worse and n % 2))},
                slices={"language": "de" if n % 2 else "en"},
                trace=f"t-{id}-{n}",
                duration_ms=10.0 + n,
            )
            for n in range(60)
        ]
        site.running.do(store.runs.put(id, outcomes, tenant="default"))
    yield site
    for id in ("old", "new", "same"):
        site.running.do(shelf(store.records).delete(id))
        site.running.do(store.runs.delete(id, "default"))


def reader_of(site, **wanted):
    return site.reader(site.running.new_key(f"{wanted}", **{"tenant": "default", "scopes": ("read",), **wanted}))


def test_without_runs_the_page_asks_for_them(site):
    shown = reader_of(site).get("/runs/compare")

    assert shown.status == 200
    assert "Name two runs or more" in shown.text


def test_a_candidate_is_shown_with_its_worst_slice_and_cases_word_by_word(tried):
    shown = reader_of(tried).settled("/runs/compare?runs=old,new")

    assert "0 became better" not in shown.text
    assert "30 became worse, 0 better, 30 stayed as they were." in shown.text
    assert "language: de 30 1 0 -1" in shown.text
    assert "<del>ja</del><ins>nein</ins>" in shown.html
    assert "&lt;b&gt;answer" in shown.html
    assert "<i>old" not in shown.html
    assert 'href="/traces/compare?left=t-old-1&amp;right=t-new-1"' in shown.html
    assert shown.html.count('class="lane whisker"') >= 4


def test_more_cases_are_shown_when_asked_for(tried):
    few, many = (reader_of(tried).settled(f"/runs/compare?runs=old,new{more}") for more in ("", "&more=1"))

    assert few.html.count(">side by side</a>") == 10
    assert "Show more cases" in few.text
    assert many.html.count(">side by side</a>") == 30
    assert "Show more cases" not in many.text


def test_several_candidates_have_a_table_of_all(tried):
    shown = reader_of(tried).settled("/runs/compare?runs=old,new,same")

    assert "Several candidates share the chance to be wrong" in shown.text
    assert shown.html.count('id="new"') == shown.html.count('id="same"') == 1


@pytest.mark.parametrize("query", ["runs=old,gone", "runs=old,new&metric=nothing", "runs=old,old"])
def test_what_cannot_be_compared_is_said(tried, query):
    shown = reader_of(tried).settled(f"/runs/compare?{query}")

    assert shown.status in {400, 404}


def test_runs_of_others_are_not_found(tried):
    assert reader_of(tried, tenant="acme").settled("/runs/compare?runs=old,new").status == 404
    assert reader_of(tried, apps=("handbook",)).settled("/runs/compare?runs=old,new").status == 404


def test_runs_that_are_ticked_in_the_list_are_compared_with_the_oldest(tried):
    reader = reader_of(tried)

    listed = reader.get("/runs")
    shown = reader.settled("/runs/compare?oldest=first&runs=new&runs=old")

    assert '<input type="checkbox" name="runs" value="new" form="compare"' in listed.html
    assert "(new) against" in shown.text
    assert "30 became worse, 0 better" in shown.text
