"""Traces that somebody looked at become cases, with what should have been answered."""

import json

import pytest

from rowen.score.cases import Cases, content_of, line_of
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.spans import a_span
from rowen.values import (
    Answer,
    Case,
    Choice,
    Image,
    Message,
    Mistaken,
    Request,
    Score,
    Text,
    Trace,
    TraceRow,
    says,
)

ROW = TraceRow(
    id="t1", started_ns=1, duration_ns=1, app="shop", definition="d1", tenant="acme", model="fast", session="s"
)
TRACE = Trace(
    row=ROW,
    request=Request(model="fast", messages=(says("system", "Be brief."), says("user", "When is hay dry?"))),
    answer=Answer(choices=(Choice(message=says("assistant", "In May.")),)),
)


@pytest.fixture
async def store():
    found = await open_store("memory:", clock=FakeClock())
    await found.traces.write([TRACE, Trace(row=ROW.but(id="empty"))])
    return found


@pytest.fixture
def cases(store) -> Cases:
    return Cases(store.records, scores=store.scores, traces=store.traces, clock=FakeClock())


def correction(id: str, text: str, source: str) -> Score:
    return Score(id=id, tenant="acme", trace="t1", name="correction", type="correction", value=text, source=source)


async def test_a_trace_becomes_a_case_with_what_was_asked_and_answered(cases):
    case = await cases.of_trace("t1", Case(id="", tenant="acme", by="ann", metadata={"topic": "hay"}))

    assert case.input == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "When is hay dry?"}]
    assert (case.output, case.expected, case.trace, case.app, case.by) == ("In May.", None, "t1", "shop", "ann")
    assert case.metadata == {"model": "fast", "definition": "d1", "topic": "hay"}
    assert await cases.get(case.id, "acme") == case


async def test_what_a_reviewer_corrected_is_expected_before_what_a_user_did(cases, store):
    await store.scores.put([correction("a", "In June.", "person"), correction("b", "Never.", "user")])

    corrected = await cases.of_trace("t1", Case(id="", tenant="acme"))
    told = await cases.of_trace("t1", Case(id="", tenant="acme", expected="In July."))

    assert (corrected.expected, told.expected) == ("In June.", "In July.")
    assert len(await cases.all("acme")) == 1  # the same trace is the same case


async def test_a_trace_without_content_or_of_another_tenant_is_no_case(cases):
    with pytest.raises(Mistaken, match="keeps it out") as caught:
        await cases.of_trace("empty", Case(id="", tenant="acme"))
    assert caught.value.code == "conflict"
    with pytest.raises(Mistaken, match="no such trace"):
        await cases.of_trace("t1", Case(id="", tenant="umbrella"))


async def test_cases_are_found_by_their_data_set_and_never_by_another_tenant(cases):
    await cases.of_trace("t1", Case(id="", tenant="acme", dataset="golden"))

    assert [case.dataset for case in await cases.all("acme", dataset="golden")] == ["golden"]
    assert await cases.all("acme", dataset="reviewed") == []
    assert await cases.all("umbrella") == []
    with pytest.raises(Mistaken, match="no such case"):
        await cases.get("golden:t1", "umbrella")
    assert not await cases.delete("golden:t1", "umbrella")


def test_what_is_more_than_text_is_spelt_out():
    picture = Message(role="user", parts=(Text(text="What is it?"), Image(url="https://example.org/hay.png")))
    trace = TRACE.but(request=Request(model="fast", messages=(picture,)))

    asked, _ = content_of(trace)

    assert asked[0]["content"][1] == {"type": "image", "url": "https://example.org/hay.png"}


async def test_a_trace_that_was_sent_becomes_a_case_with_what_was_understood_of_its_spans(cases, store):
    asked = [{"role": "user", "parts": [{"type": "text", "content": "When is hay dry?"}]}]
    await store.traces.observe(
        [
            a_span(2, "sent", type="llm", input="not this", output="nor this"),
            a_span(1, "sent", type="agent", input=asked, output="In May.", attributes={"own": 1}),
            a_span(1, "bare", type="chain", input=None, output=None),
            a_span(2, "bare", type="tool", input="neither", output="this"),
            a_span(3, "bare", type="llm", input="Is it dry?", output="Yes."),
        ]
    )

    whole = await cases.of_trace("sent", Case(id="", tenant="acme"))
    bare = await cases.of_trace("bare", Case(id="", tenant="acme"))

    assert (whole.input, whole.output) == (asked, "In May.")
    assert (bare.input, bare.output) == ("Is it dry?", "Yes.")


def test_a_line_holds_what_is_there_and_nothing_else():
    line = line_of(Case(id="c", tenant="acme", input=[1], expected="x"))

    assert line.endswith(b"\n")
    assert json.loads(line) == {"id": "c", "input": [1], "expected": "x"}
