"""The pages of the canaries."""

from decimal import Decimal

import pytest

from rowen.evaluate.canary import Reading, Said

AT = 1_790_000_000_000_000_000


def reading(id: str, text: str, at_ns: int, **more) -> Reading:
    answers = ((Said(text=text, served="grass-1", tokens=3, ms=120.0, cost=Decimal("0.0001")),) * 2,)
    plain = {"app": "shop", "canary": "main", "deployment": "openai/grass", "model": "grass", "prompts": "p"}
    return Reading(id=id, answers=answers, at_ns=at_ns, **{**plain, **more})


@pytest.fixture
def heard(site):
    """Two cycles of a canary, of which the second was answered otherwise."""
    shelf = Reading.shelf(site.running.opened.store.records)
    site.running.do(shelf.put(reading("x-openai/grass-1", "It is <b>391</b>.", AT)))
    changed = reading("x-openai/grass-2", "It is 392.", AT + 60_000_000_000, changed=True, p=0.0004, why="the answers differ in words")  # fmt: skip
    site.running.do(shelf.put(changed))
    yield site
    for each in site.running.do(shelf.find()):
        site.running.do(shelf.delete(each.id))


def test_without_canaries_the_page_says_how_to_write_one(site):
    shown = site.reader().get("/canaries")

    assert "No canary has been asked yet" in shown.text
    assert "[canary.main]" in shown.text


def test_the_newest_cycle_stands_first_with_what_was_heard(heard):
    shown = heard.reader().get("/canaries")

    assert "changed the answers differ in words 0.0004 2 of 2 $0.0002" in shown.text
    assert 'href="/canaries/x-openai/grass-2"' in shown.html


def test_a_cycle_is_shown_beside_the_one_before_it(heard):
    shown = heard.reader().get("/canaries/x-openai/grass-2")

    assert "It is 392." in shown.text
    assert "It is &lt;b&gt;391" in shown.html
    assert "3 tokens · 120 ms" in shown.text
    assert "A prompt that the app does not ask any more" in shown.text


def test_only_the_operator_reads_them(heard):
    reader = heard.reader(heard.running.new_key("no operator", tenant="default", scopes=("read", "manage")))

    assert reader.get("/canaries").status == 403
    assert heard.reader().get("/canaries/nothing").status == 404
