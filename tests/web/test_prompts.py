"""The pages of prompts and the playground, read without scripts."""

import re
from urllib.parse import quote

import pytest

from rowen.prompt import Variable
from rowen.store.base import TraceFilter
from rowen.values import Answer, Choice, Prompted, Request, Trace, TraceRow, says


@pytest.fixture
def reader(prompting):
    return prompting.reader()


def form(reader, **given):
    """The fields of the playground's form as a browser sends them."""
    usual = {
        "app": "shop",
        "prompt": "system",
        "draft": "You speak for {{shop}}.\r\nBe {{tone}}. <script>alert(1)</script>",
    }
    return {"csrf": reader.token(), **usual, "model": "main", **given}


def test_prompts_are_listed_with_their_labels(untouched):
    shown = untouched.reader().get("/prompts")

    assert re.search(r"shop/sum app shop 1 production 1 latest 1", shown.text)
    assert 'href="/prompts/shop/system?"' in shown.html


def test_one_prompt_is_shown_as_text_with_its_variables(reader):
    shown = reader.get("/prompts/shop/system")

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown.html
    assert "tone kind, dry kind" in shown.text
    assert reader.get(f"/prompts/{quote('no such')}").status == 404


def test_models_are_asked_side_by_side_and_leave_traces(prompting, reader):
    asked = form(reader, question="When?", model=["main", "small", "down"])

    shown = reader.post("/playground", **asked)
    prompting.running.do(prompting.running.opened.traces_written())
    rows = prompting.running.do(prompting.running.opened.store.traces.find(TraceFilter(limit=9)))
    rows = [row for row in rows if "playground" in row.tags and f"/traces/{row.id}" in shown.html]

    assert "When?" in shown.text
    assert "Small &lt;b&gt;words&lt;/b&gt;." in shown.html
    assert "upstream_connect" in shown.text
    assert {row.model for row in rows} == {"main", "small", "down"}
    assert {row.definition for row in rows} == {prompting.running.opened.served.named("shop").definition.hash}


def test_a_draft_is_answered_under_the_hash_of_its_candidate(prompting, reader):
    before = prompting.running.opened.served.named("shop").definition.hash
    asked = form(reader, draft="Speak for {{shop}}, {{when}}.", question="Hi", **{"var-shop": "us", "var-when": "now"})

    shown = reader.post("/playground", **asked)
    prompting.running.do(prompting.running.opened.traces_written())
    (id,) = re.findall(r'<a class="small" href="/traces/([0-9a-f]{32})"', shown.html)
    trace = prompting.running.do(prompting.running.opened.store.traces.get(id))

    assert trace.request.messages[0].text == "Speak for us, now."
    assert trace.row.definition != before
    assert prompting.running.opened.served.named("shop").definition.hash == before


def test_a_missing_variable_is_named_beside_its_model(reader):
    shown = reader.post("/playground", **form(reader, draft="Speak for {{whom}}.", question="Hi"))

    assert (shown.status, "needs the variable 'whom'" in shown.text) == (200, True)


def test_other_places_of_a_draft_get_their_fields(reader):
    shown = reader.post("/playground", **form(reader, draft="Speak for {{whom}}.", shape="1"))

    assert 'name="var-whom"' in shown.html
    assert 'name="var-tone"' not in shown.html


def test_a_draft_is_kept_as_a_candidate_with_its_note(prompting, reader):
    draft = "You speak for {{shop}}, at night."
    without = reader.post("/playground/candidate", **form(reader, draft=draft, note=" "))
    kept = reader.post("/playground/candidate", **form(reader, draft=draft, note="At night."))
    shown = reader.get(kept.headers["location"])
    against = reader.get(f"{kept.headers['location']}&against=1")

    assert (without.status, "write something here" in without.text, "at night" in without.text) == (400, True, True)
    assert kept.status == 303
    assert "A candidate: it answers nobody" in shown.text
    assert "At night." in shown.text
    assert "<mark>" in against.html
    version = prompting.running.do(prompting.running.opened.prompts.versions("shop/system", "default"))[0]
    assert prompting.running.do(prompting.running.opened.store.definitions.get(version.definition)) is not None
    assert list(version.variables) == ["shop"]
    known = prompting.running.do(prompting.running.opened.office.desk.versions("shop"))
    assert [(each.definition, each.note) for each in known if each.definition == version.definition] == [
        (version.definition, "At night.")
    ]


def test_a_label_is_set_and_that_of_releases_is_not(reader):
    token = reader.token()

    set_ = reader.post("/prompts/shop/sum", csrf=token, version=1, label="review")
    refused = reader.post("/prompts/shop/sum", csrf=token, version=1, label="no such")

    assert set_.status == 303
    assert "review" in reader.get("/prompts/shop/sum").text
    assert refused.status == 400


def test_what_a_trace_was_asked_is_loaded_without_what_the_app_put_to_it(prompting, reader):
    row = TraceRow(
        id="b" * 32, started_ns=1, duration_ns=5, app="shop", definition="d", tenant="default", model="small"
    )
    shown = (says("user", "An example?", ours=True), says("assistant", "Its answer.", ours=True))
    said = (says("user", "Hi"), says("assistant", "Ho"), says("user", "And <now>?"))
    messages = (says("system", "Be dry.", ours=True), says("system", "The caller's own."), *shown, *said)
    asked = Request(model="small", messages=messages, prompt=Prompted(name="system", variables={"tone": "dry"}))
    answer = Answer(choices=(Choice(message=says("assistant", "Now."), reason="stop"),))
    hidden = Trace(row=row.but(id="c" * 32), request=asked, answer=answer, masked=True)
    traces = [Trace(row=row, request=asked, answer=answer), hidden]
    prompting.running.do(prompting.running.opened.store.traces.write(traces))

    shown = reader.get(f"/playground?trace={'b' * 32}")

    assert "And &lt;now&gt;?" in shown.html
    assert "3 turns before it" in shown.text
    assert "own." in shown.text
    assert "An example?" not in shown.text
    assert "Be dry." not in shown.text
    assert "<option selected>dry</option>" in shown.html
    assert re.search(r'value="small" checked', shown.html)
    assert reader.get(f"/playground?trace={'c' * 32}").status == 409


def test_whoever_may_only_read_changes_and_tries_nothing(prompting):
    reads = prompting.reader(prompting.running.new_key("reads", scopes=("read",)))
    other = prompting.reader(prompting.running.new_key("other", scopes=("read", "manage"), apps=("elsewhere",)))

    assert reads.post("/prompts/shop/sum", csrf=reads.token(), version=1, label="mine").status == 403
    assert reads.post("/playground/candidate", **form(reads, note="Mine.")).status == 403
    assert reads.post("/playground", **form(reads, question="Hi")).status == 403
    assert "Save as candidate" not in reads.get("/playground").text
    assert other.get("/prompts/shop/sum").status == 404
    assert other.get("/playground?app=shop").status == 404


def test_whoever_sees_all_tenants_opens_their_prompts_too(prompting, reader):
    prompting.running.new_key("acme", tenant="acme")
    prompting.running.do(prompting.running.opened.prompts.add("theirs", "Be acme.", note="n", tenant="acme"))

    listed = reader.get("/prompts")
    shown = reader.get("/prompts/theirs?tenant=acme&version=1")
    manages = prompting.reader(prompting.running.new_key("manages", scopes=("read", "manage")))

    assert 'href="/prompts/theirs?tenant=acme&amp;"' in listed.html
    assert "Be acme." in shown.text
    assert manages.get("/prompts/theirs?tenant=acme").status == 404


def test_variables_that_changed_stand_before_the_text(prompting, reader):
    prompts = prompting.running.opened.prompts
    shape = {"body": Variable(type="text", most=50)}
    made = prompting.running.do(prompts.add("shop/sum", "Sum up: {{body}}!", note="Shorter.", variables=shape))

    shown = reader.get(f"/prompts/shop/sum?version={made.version}&against=1")

    assert '"most": 50' in shown.text


@pytest.mark.parametrize(
    ("place", "status", "says"),
    [
        ("/prompts/shop/sum?version=two", 400, "version is a whole number from 1 on"),
        ("/prompts/shop/sum?version=99", 404, "There is no version 99 of this prompt."),
        ("/prompts/shop/sum?version=1&against=0", 400, "against is a whole number from 1 on"),
        ("/playground?app=shop&prompt=sum&version=two", 400, "version is a whole number from 1 on"),
    ],
)
def test_a_version_in_an_address_that_is_none_is_said(reader, place, status, says):
    shown = reader.get(place)

    assert shown.status == status
    assert says in shown.text
