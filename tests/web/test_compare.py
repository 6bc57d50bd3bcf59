"""Two traces side by side."""

from hypothesis import given
from hypothesis import strategies as st

from rowen.evaluate.compare import pieces_of
from rowen.testing.contracts.spans import a_span
from rowen.values import SystemClock
from rowen.web.compare import paired


def test_two_calls_are_compared_word_by_word(site):
    one = site.trace(5000, asked="When do you open?", said="At 9 on weekdays.", duration_ns=100_000_000)
    two = site.trace(4000, asked="When do you open?", said="At 10 on weekdays.", duration_ns=250_000_000, model="down")
    site.write(one, two)

    shown = site.reader().get(f"/traces/compare?left={one.row.id}&right={two.row.id}")

    assert shown.status == 200
    assert "<del>9</del>" in shown.html
    assert "<ins>10</ins>" in shown.html
    assert "×2.50" in shown.text
    assert "main down other" in shown.text


def test_spans_that_are_only_in_one_are_said_so(site):
    now = SystemClock().now_ns()
    first = [
        a_span(n, "a" * 32, tenant="default", started_ns=now + n, name=name)
        for n, name in ((1, "root"), (2, "search"), (3, "chat"))
    ]
    second = [
        a_span(n, "b" * 32, tenant="default", started_ns=now + n, name=name)
        for n, name in ((1, "root"), (3, "chat"), (4, "rerank"))
    ]
    site.running.do(site.running.opened.store.traces.observe([*first, *second]))

    shown = site.reader().get(f"/traces/compare?left={'a' * 32}&right={'b' * 32}")

    assert shown.text.count("not there") == 2
    assert [pair.name for pair in paired([s.row for s in first], [s.row for s in second])] == [
        "root",
        "search",
        "chat",
        "rerank",
    ]


def test_what_is_missing_is_asked_for(site):
    trace = site.trace(1000)
    site.write(trace)

    assert f'value="{trace.row.id}"' in site.reader().get(f"/traces/compare?left={trace.row.id}").html
    assert site.reader().get("/traces/compare?left=no&right=no").status == 404


def test_other_tenants_traces_cannot_be_compared(site):
    one, two = site.trace(1000, tenant="acme"), site.trace(900, tenant="globex")
    site.write(one, two)
    reader = site.reader(site.running.new_key("acme reads", tenant="acme", scopes=("read",)))

    assert reader.get(f"/traces/compare?left={one.row.id}&right={two.row.id}").status == 404


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_pieces_give_both_texts_back(left, right):
    pieces = pieces_of(left, right)

    assert "".join(piece.text for piece in pieces if piece.kind != "right") == left
    assert "".join(piece.text for piece in pieces if piece.kind != "left") == right
