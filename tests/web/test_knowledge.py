"""The pages of what apps know, read without scripts."""

import re
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st
from tests.web.conftest import link_of

from rowen.store.base import ScoreFilter
from rowen.values import Chunk
from rowen.web.knowledge import stretches


def test_what_apps_know_is_listed_with_how_it_stands(known):
    shown = known.reader().get("/knowledge")

    assert re.search(
        r"handbook shop · 1 source well 3 \d+ 1 .* ago overlap\(size=200, overlap=100\) words alone", shown.text
    )


def test_one_tells_its_sources_documents_indexes_and_what_was_put_aside(known):
    shown = known.reader().get("/knowledge/shop/handbook")

    assert "docs/odd.txt docs/**/* document_unknown this is a picture (PNG)" in shown.text
    assert re.search(r"Evil docs/evil.md markdown( · en)? injection", shown.text)
    assert "Pay docs/hr/pay.md markdown" in shown.text
    assert re.search(r"overlap\(size=200, overlap=100\) context free · words alone .* answers", shown.text)


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
    nothing = reader.post("/knowledge/shop/handbook/do/drop", csrf=reader.token(), build="nothing")

    assert answer.status == 303
    assert nothing.status == 404
    assert reader.get(f"/knowledge/shop/{quote('no such')}").status == 404


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
