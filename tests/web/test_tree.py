"""Traces of spans that were sent, sessions and users: read as a browser without scripts reads them."""

from decimal import Decimal
from urllib.parse import quote

import pytest

from rowen.testing.contracts.spans import a_span
from rowen.values import Score, SystemClock, Twig, new_id
from rowen.web.tree import in_order

MS = 1_000_000


@pytest.fixture
def sent(site):
    """A program's trace: a chain, a retrieval, a model call that failed, and a call through Rowen below it."""
    now = SystemClock().now_ns() - 5_000 * MS
    common = {"tenant": "default", "session": "talk-1", "user": "u-1", "environment": "production", "release": "1.4"}
    trace = "f" * 32
    spans = [
        a_span(1, trace, name="answer", started_ns=now, duration_ns=900 * MS, input="Where is my order?", output="On its way.", **common),
        a_span(2, trace, name="search", type="retriever", model="", started_ns=now + MS, **common),
        a_span(3, trace, name="chat gpt", started_ns=now + 100 * MS, status="error", code="timeout", attributes={"http.status": 504, "note": "<b>"}, **common),
        a_span(4, trace, name="lost", parent="9" * 16, started_ns=now + 300 * MS, **common),
    ]  # fmt: skip
    site.running.do(site.running.opened.store.traces.observe(spans))
    call = site.trace(4_500, within=trace, session="talk-1", user="u-1", asked="rewrite", said="done")
    root = call.spans[0].but(parent=f"{2:016x}")
    site.write(call.but(spans=(root,)))
    site.running.do(
        site.running.opened.store.scores.put(
            [Score(id=new_id(now), trace=trace, name="thumbs", type="boolean", value=False, number=0.0, source="user", reason="It is not."),
             Score(id=new_id(now), trace=trace, target="span", span=f"{3:016x}", name="grounded", value=0.25, number=0.25, source="model")]
        )
    )  # fmt: skip
    return trace


def test_a_trace_of_spans_is_a_tree_with_the_calls_that_went_through_rowen(site, sent):
    shown = site.reader().get(f"/traces/{sent}")

    assert shown.status == 200
    assert [name for name in ("answer", "search", "chat main", "chat gpt", "lost") if name in shown.html]
    assert shown.html.index(">search") < shown.html.index(">chat main") < shown.html.index(">chat gpt")
    assert "no parent" in shown.text
    assert "1 call through Rowen" in shown.text
    assert "Where is my order?" in shown.text
    assert "It is not." in shown.text


def test_a_span_is_picked_by_the_address(site, sent):
    shown = site.reader().get(f"/traces/{sent}?span={3:016x}")

    assert 'aria-current="true"' in shown.html
    assert "timeout" in shown.text
    assert "http.status" in shown.text
    assert "&lt;b&gt;" in shown.html
    assert "grounded" in shown.text
    assert "0.25" in shown.text


def test_a_span_that_is_not_there_is_said_so(site, sent):
    assert "No such span" in site.reader().get(f"/traces/{sent}?span=nothing").text


def test_a_large_trace_is_shown_in_parts(site):
    spans = [a_span(n, "e" * 32, tenant="default", started_ns=SystemClock().now_ns() - MS) for n in range(1, 1203)]
    site.running.do(site.running.opened.store.traces.observe(spans))
    reader = site.reader()

    first = reader.get("/traces/" + "e" * 32)
    last = reader.get("/traces/" + "e" * 32 + "?from=1000")

    assert first.html.count('<a class="span branch') == 500
    assert len(first.html) < 1_000_000
    assert "Later spans" in first.text
    assert "Spans 1,001 to 1,202 of 1,202" not in last.text
    assert last.html.count('<a class="span branch') == 202


@pytest.mark.parametrize("start", ["-1", "x", "9" * 30])
def test_a_wrong_part_is_no_fault_of_ours(site, sent, start):
    shown = site.reader().get(f"/traces/{sent}?from={start}")

    assert shown.status == 400
    assert "from is a whole number of spans from 0 on" in shown.text


def test_spans_that_are_each_others_parents_are_all_shown():
    rows = [
        Twig(id="a", parent="b", started_ns=1, duration_ns=1),
        Twig(id="b", parent="a", started_ns=2, duration_ns=1),
        Twig(id="c", parent="c", started_ns=3, duration_ns=1),
    ]

    assert {row.id for row, _ in in_order(rows)} == {"a", "b", "c"}


def test_the_order_of_a_deep_chain_and_of_many_circles_is_found():
    chain = [Twig(id=f"{n}", parent=f"{n - 1}" if n else "", started_ns=n, duration_ns=1) for n in range(5_000)]
    circles = [Twig(id=f"c{n}", parent=f"c{n ^ 1}", started_ns=n, duration_ns=1) for n in range(5_000)]

    found = in_order([*circles, *chain])

    assert [twig.id for twig, _ in found if not twig.id.startswith("c")] == [f"{n}" for n in range(5_000)]
    assert len(found) == 10_000


def test_other_tenants_see_no_trace_of_it(site, sent):
    reader = site.reader(site.running.new_key("reader of globex", tenant="globex", scopes=("read",)))

    assert reader.get(f"/traces/{sent}").status == 404
    assert reader.get("/sessions/talk-1").status == 404
    assert "talk-1" not in reader.get("/sessions").text
    assert "u-1" not in reader.get("/users").text


def test_a_session_is_read_from_its_first_turn_on(site, sent):
    shown = site.reader().get("/sessions/talk-1")

    assert shown.text.index("Where is my order?") < shown.text.index("rewrite")
    assert "thumbs no" in shown.text


def test_sessions_and_users_are_listed_with_what_they_cost(site, sent):
    reader = site.reader()

    assert "talk-1" in reader.get("/sessions").text
    assert "talk-1" in reader.get("/sessions?user=u-1").text
    assert "talk-1" not in reader.get("/sessions?user=u-2").text
    assert "u-1" in reader.get("/users").text


def test_sessions_are_paged(site):
    site.write(*(site.trace(n * 1000, session=f"s-{n:03d}", cost=Decimal("0.5")) for n in range(1, 71)))
    reader = site.reader()

    first = reader.get("/sessions")

    assert "s-050" in first.text
    assert "s-051" not in first.text
    older = first.html.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert "s-051" in reader.get(older).text


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("any(type:retriever)", True),
        ("any(code:timeout) release:1.4", True),
        ("score.thumbs:false", True),
        ("score.grounded>0.5", False),
        ("order", True),
        ('"my order"', True),
        ('"order my"', False),
        ("len()>3", True),
        ("max(latency)>2s", False),
    ],
)
def test_the_search_finds_traces_by_what_is_in_them(site, sent, line, found):
    shown = site.reader().get(f"/traces?q={quote(line)}")

    assert (f'href="/traces/{sent}"' in shown.html) == found


def test_a_search_that_cannot_be_read_says_where_and_what_is_near(site, sent):
    shown = site.reader().get("/traces?q=statu:failed")

    assert shown.status == 200
    assert "did you mean 'status'?" in shown.text
    assert 'aria-invalid="true"' in shown.html
