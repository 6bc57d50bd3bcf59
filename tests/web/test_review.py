"""Review by people, as a browser without scripts does it."""

import re

import pytest

from rowen.store.base import ScoreFilter
from rowen.values import Score, SystemClock, new_id


@pytest.fixture
def desk(site):
    """Three answers, one of which a user turned down; no queue yet."""
    do, store = site.running.do, site.running.opened.store
    for kind in ("queue", "queue_item", "case"):
        for record in do(store.records.find(kind)):
            do(store.records.delete(kind, record.id, record.tenant))
    do(store.scores.prune(SystemClock().now_ns() + 1))
    traces = [site.trace(3000 - n, asked=f"question {n}", said=f"answer {n}") for n in range(3)]
    site.write(*traces)
    do(store.scores.put([Score(id=new_id(1), trace=traces[1].row.id, app="shop", name="thumbs", type="boolean", value=False, number=0.0, source="user", judged_ns=1)]))  # fmt: skip
    return site


def queue_of(reader, **form) -> str:
    """Make a queue by the form; return its address."""
    csrf = reader.token(reader.get("/review"))
    made = reader.post("/review", csrf=csrf, **{"name": "turned down", "asked": ["thumbs"], "raters": "1", **form})
    assert made.status == 303, made.text
    return made.headers["location"]


def action_of(shown) -> str:
    found = re.search(r'action="(/review/[^"]+)" data-rate', shown.html)
    assert found, shown.text
    return found[1]


def scores(site, **wanted):
    return site.running.do(site.running.opened.store.scores.find(ScoreFilter(source="person", **wanted)))


def test_without_a_queue_the_page_says_what_one_is_for(desk):
    assert "No queues yet" in desk.reader().get("/review").text


def test_an_answer_that_was_turned_down_is_reviewed_and_becomes_a_case(desk):
    reader = desk.reader()
    place = queue_of(reader, score="thumbs", below="0.5", guidelines="Good means true.")

    shown = reader.get(place)
    assert "question 1" in shown.text
    assert "Good means true." in shown.text
    assert "question 0" not in shown.text
    done = reader.post(
        action_of(shown), csrf=reader.token(shown), **{"value.thumbs": "false", "reason": "wrong day", "correction": "Friday", "case": "1"}
    )  # fmt: skip

    assert done.status == 303
    assert "Nothing left for you here" in reader.get(place).text
    (thumb,) = scores(desk, name="thumbs")
    assert (thumb.value, thumb.reason) == (False, "wrong day")
    (case,) = desk.running.do(desk.running.opened.store.records.find("case"))
    assert b"Friday" in case.body
    assert "1 done" in reader.get(place).text


def test_what_is_not_judged_is_asked_again_and_what_was_written_stays(desk):
    reader = desk.reader()
    shown = reader.get(queue_of(reader))

    again = reader.post(action_of(shown), csrf=reader.token(shown), reason="because")

    assert again.status == 400
    assert "is not judged yet" in again.text
    assert "because" in again.html


def test_a_skipped_item_goes_to_others(desk):
    reader = desk.reader()
    place = queue_of(reader)
    shown = reader.get(place)

    reader.post(action_of(shown), csrf=reader.token(shown), skip="1")

    assert action_of(reader.get(place)) != action_of(shown)


def test_where_raters_disagree_somebody_decides(desk):
    first = desk.reader(desk.running.new_key("ann", scopes=("read", "manage")))
    second = desk.reader(desk.running.new_key("bob", scopes=("read", "manage")))
    place = queue_of(first, score="thumbs", below="0.5", raters="2")
    for reader, value in ((first, "true"), (second, "false")):
        shown = reader.get(place)
        reader.post(action_of(shown), csrf=reader.token(shown), **{"value.thumbs": value})

    disputed = first.get(f"{place}/items?state=disputed")
    assert "thumbs True" in disputed.text
    assert "thumbs False" in disputed.text
    decide = re.search(r'action="(/review/[^"]+/decide)"', disputed.html)
    assert decide
    first.post(decide[1], csrf=first.token(disputed), **{"value.thumbs": "false", "reason": "the book says so"})

    assert "decided by" in first.get(f"{place}/items").text


def test_items_are_listed_with_what_is_judged_and_why_they_are_there(desk):
    reader = desk.reader()
    place = queue_of(reader, score="thumbs", below="0.5")

    shown = reader.get(f"{place}/items")

    assert re.search(r"question 1 answer 1 shop [-0-9: ]+ thumbs is false, below 0.5 open 0 of 1 so far", shown.text)
    assert "question 0" not in shown.text


@pytest.mark.parametrize(
    "form",
    [{"name": " "}, {"raters": "0"}, {"raters": "many"}, {"below": "low"}, {"asked": ["no-such-score"]}, {"asked": []}],
)
def test_a_queue_that_cannot_be_is_told_and_the_form_stays(desk, form):
    reader = desk.reader()
    csrf = reader.token(reader.get("/review"))

    shown = reader.post("/review", csrf=csrf, **{"name": "mine", "asked": ["thumbs"], **form})

    assert shown.status == 400
    assert 'role="alert"' in shown.html


def test_who_may_only_read_cannot_judge(desk):
    place = queue_of(desk.reader())
    reader = desk.reader(desk.running.new_key("looker", scopes=("read",)))

    shown = reader.get(place)

    assert "Reading only" in shown.text
    csrf = reader.token(shown)
    assert reader.post("/review", csrf=csrf, name="x", asked="thumbs").status == 403
    assert reader.post(f"{place}/fill", csrf=csrf).status == 403


def test_other_tenants_find_no_queue(desk):
    place = queue_of(desk.reader())
    reader = desk.reader(desk.running.new_key("globex", tenant="globex", scopes=("read", "manage")))

    assert "No queues yet" in reader.get("/review").text
    assert reader.get(place).status == 404
    assert reader.post(f"{place}/fill", csrf=reader.token(reader.get("/review"))).status == 404


def test_a_trace_is_judged_and_kept_where_it_stands(desk):
    reader = desk.reader()
    trace = desk.trace(10, asked="here", said="there")
    desk.write(trace)
    place = f"/traces/{trace.row.id}"
    csrf = reader.token(reader.get(place))

    reader.post(f"{place}/judge", csrf=csrf, thumbs="down", reason="no")
    reader.post(f"{place}/judge", csrf=csrf, thumbs="up", reason="yes after all")
    reader.post(f"{place}/judge", csrf=csrf, case="1")

    (given,) = scores(desk, traces=(trace.row.id,))
    assert (given.value, given.reason) == (True, "yes after all")
    assert len(desk.running.do(desk.running.opened.store.records.find("case"))) == 1
    assert "yes after all" in reader.get(place).text


def test_a_form_without_its_token_is_refused(desk):
    assert desk.reader().post("/review", name="x", asked="thumbs").status == 403
