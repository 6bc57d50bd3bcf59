"""The pages of what apps know, read without scripts."""

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.conftest import link_of

from rowen.retrieve.calibration import Bin, Calibration, ChanceTable
from rowen.store.base import ScoreFilter
from rowen.store.knowledge import Collection
from rowen.values import Chunk
from rowen.values.interval import Interval, wilson
from rowen.web.knowledge import stretches


def test_what_apps_know_is_listed_with_how_it_stands(known):
    shown = known.reader().get("/knowledge")

    assert re.search(
        r"handbook shop · 1 source well 3 \d+ 1 .* ago overlap\(size=200, overlap=100\) words alone", shown.text
    )


def test_one_tells_its_sources_documents_indexes_and_what_was_put_aside(known):
    shown = known.reader().get("/knowledge/shop/handbook")

    assert "docs/odd.txt docs/**/* document_unknown this is a picture (PNG)" in shown.text
    assert "3 1 75 % taken in (30 to 95)" in shown.text
    assert re.search(r"Evil docs/evil.md markdown( · en)? injection", shown.text)
    assert "Pay docs/hr/pay.md markdown" in shown.text
    assert re.search(r"overlap\(size=200, overlap=100\) context free · words alone .* answers", shown.text)


def test_of_several_indexes_it_is_told_whose_own_each_is(known):
    store, collection = known.running.opened.store.knowledge, Collection(tenant="default", app="shop", name="handbook")
    before = known.reader().get("/knowledge/shop/handbook")
    (live,) = known.running.do(store.builds(collection))
    other = known.running.do(
        store.begin(collection, live.manifest.but(chunker="overlap(size=50, overlap=0)"), now_ns=1)
    )

    shown = known.reader().get("/knowledge/shop/handbook")
    known.running.do(store.drop(other.id))

    assert re.search(r"answers the own one of version 1 \(\w+\), live in production", shown.text)
    assert "A version answers from its own index as soon as that is whole." in shown.text
    assert "the own one of" not in before.text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("from=x", "from is a whole number of characters from 0 on"),
        ("kind=overlap&size=3", "size is a whole number of characters from 50 to 1,000,000"),
        ("kind=overlap&size=100&overlap=-1", "overlap is a whole number of characters from 0 to 1,000,000"),
    ],
)
def test_a_number_in_an_address_that_is_none_is_said(known, query, says):
    shown = known.reader().get(f"{link_of(known, 'docs/evil.md')}?{query}")

    assert shown.status == 400
    assert says in shown.text


def test_what_documents_say_of_a_thing_is_looked_up_by_who_may_read_them(known):
    reading = known.reader(known.running.new_key("graph", scopes=("read",)))

    whole = known.reader().get(f"/knowledge/shop/handbook?of={quote('Ada Brenn')}")
    some = reading.get(f"/knowledge/shop/handbook?of={quote('Ada Brenn')}")
    none = reading.get(f"/knowledge/shop/handbook?of={quote('<b>Nobody</b>')}")

    assert "Ada Brenn — mother → Lia Brenn" in whole.text
    assert "Ada Brenn was born in Ghent. docs/evil.md" in some.text
    assert "Lia Brenn" not in some.text
    assert "No document that you may read says anything of it" in none.text
    assert "<b>Nobody</b>" not in none.html


def test_how_far_it_can_be_believed_is_shown_with_the_same_in_a_table(known):
    calibration = Calibration(
        app="shop",
        collection="handbook",
        index="overlap(size=800, overlap=400), context free, words alone",
        at_ns=1_790_000_000_000_000_000,
        questions=20,
        unanswerable=10,
        how="given",
        share=0.2,
        chance=ChanceTable(slope=9.5, at=0.4),
        error=Interval(value=0.08, low=0.04, high=0.15, n=30, level=0.95, method="bca"),
        luck=0.061,
        p=0.2,
        bins=(Bin(low=0.7, high=0.8, said=0.74, right=wilson(9, 10), n=10),),
    )
    before = known.reader().get("/knowledge/shop/handbook")
    known.running.do(Calibration.shelf(known.running.opened.store.records).put(calibration))

    shown = known.reader().get("/knowledge/shop/handbook")

    assert "rowen index calibrate --questions questions.jsonl" in before.text
    assert "is off by 8.0 points on average (95 %: 4.0 to 15.0). A perfect one would be off by 6.1" in shown.text
    assert "70 to 80 % 74 % 90 % 60 to 98 10" in shown.text
    assert "Another index answers by now than was asked" in shown.text
    assert 'class="p50 dot"' in shown.html


def test_chunks_stand_in_place_and_the_text_is_shown_as_it_is(known):
    shown = known.reader().get(link_of(known, "docs/leave.md"))

    assert "# Leave &lt;b&gt;" in shown.html
    assert re.search(r'class="mark"[^>]*>1 · \d+<', shown.html)
    assert 'class="piece both"' in shown.html


def test_another_chunker_is_tried_without_a_change_of_the_index(known):
    link = link_of(known, "docs/leave.md")

    shown = known.reader().get(f"{link}?kind=sentence&size=100&overlap=0")
    wrong = known.reader().get(f"{link}?kind=sentnce&size=100&overlap=0")

    assert "As it would be cut by sentence(size=100, overlap=0)" in shown.text
    assert 'class="piece both"' not in shown.html
    assert (wrong.status, "did you mean “sentence”" in wrong.text or "sentence" in wrong.text) == (400, True)
    assert "As it is cut: overlap(size=200, overlap=100)" in known.reader().get(link).text


def test_a_verdict_on_chunks_is_kept_as_a_score_and_another_takes_its_place(known):
    reader, link = known.reader(), link_of(known, "docs/leave.md")
    token = reader.token(reader.get(link))
    chunker = "overlap(size=200, overlap=100)"

    reader.post(link, csrf=token, verdict="small", reason="halves of lists", chunker=chunker)
    reader.post(link, csrf=token, verdict="right", reason="", chunker=chunker)

    assert "You said: right as they are" in reader.get(link).text
    found = known.running.do(known.running.opened.store.scores.find(ScoreFilter(name="chunks", limit=10)))
    scores = list(found)
    assert [(each.value, each.version, each.metadata["kind"]) for each in scores] == [("right", chunker, "markdown")]


def test_who_is_not_of_its_groups_does_not_see_a_document(known):
    key = known.running.new_key("reads", scopes=("read",))

    shown = known.reader(key).get("/knowledge/shop/handbook")
    hidden = known.reader(key).get(link_of(known, "docs/hr/pay.md"))

    assert "docs/leave.md" in shown.text
    assert "pay.md" not in shown.text
    assert hidden.status == 404


def test_whoever_only_reads_changes_nothing(known):
    reader = known.reader(known.running.new_key("looks", scopes=("read",)))
    page = reader.get("/knowledge/shop/handbook")

    assert "Look at it now" not in page.text
    assert reader.post("/knowledge/shop/handbook/do/sync", csrf=reader.token()).status == 403


def test_the_sources_are_looked_at_when_somebody_says_so_and_that_is_on_record(known):
    reader = known.reader()

    answer = reader.post("/knowledge/shop/handbook/do/sync", csrf=reader.token())
    nothing = reader.post("/knowledge/shop/handbook/do/delete", csrf=reader.token(), build="nothing")

    assert answer.status == 303
    assert nothing.status == 404
    assert reader.get(f"/knowledge/shop/{quote('no such')}").status == 404


def test_a_trace_tells_what_was_found_and_left_out_and_why(site):
    trace = site.trace()
    span = trace.spans[0].but(id="b" * 16, parent="a" * 16, name="retrieve.ground")
    left = ["docs/my pay.md#0-80 unfit", "docs/<b>.md#5-9 repeated"]
    site.write(trace.but(spans=(*trace.spans, span.but(attributes={"rowen.left_out": left}))))

    shown = site.reader().get(f"/traces/{trace.row.id}")

    assert "Found as well, and left out or cut: 2" in shown.text
    assert "docs/my pay.md#0-80 — there was no room" in shown.text
    assert "docs/&lt;b&gt;.md#5-9" in shown.html


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=8), st.integers(0, 59), st.integers(1, 60))
def test_stretches_are_the_text_and_every_chunk_begins_once(pieces, since, length):
    text = "".join(chr(97 + place % 26) for place in range(60))
    chunks = sorted({(min(start, 59), min(60, start + size)) for start, size in pieces})
    made = [Chunk(start=start, end=end) for start, end in chunks if end > start]
    until = min(60, since + length)

    found = stretches(text, made, since, until)

    assert "".join(each.text for each in found) == text[since:until]
    begins = [number for each in found for number in each.begins]
    assert begins == [number for number, chunk in enumerate(made) if since <= chunk.start < until]
